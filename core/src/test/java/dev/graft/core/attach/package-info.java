/** Tests of where methods act. */
@NullMarked
package dev.graft.core.attach;

import org.jspecify.annotations.NullMarked;
