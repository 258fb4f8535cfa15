/** Models written anew in few bits. */
@NullMarked
package dev.graft.core.quantize;

import org.jspecify.annotations.NullMarked;
