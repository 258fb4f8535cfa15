/** Training: optimiser, schedules, batches and the loop. */
@NullMarked
package dev.graft.core.train;

import org.jspecify.annotations.NullMarked;
