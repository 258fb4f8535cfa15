/** Tests of steps, evaluation and logs. */
@NullMarked
package dev.graft.core.train;

import org.jspecify.annotations.NullMarked;
