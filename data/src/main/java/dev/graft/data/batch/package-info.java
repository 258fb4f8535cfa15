/** Batches with few distinct shapes and little padding. */
@NullMarked
package dev.graft.data.batch;

import org.jspecify.annotations.NullMarked;
