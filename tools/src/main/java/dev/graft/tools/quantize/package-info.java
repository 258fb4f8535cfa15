/** Models written anew in few bits. */
@NullMarked
package dev.graft.tools.quantize;

import org.jspecify.annotations.NullMarked;
