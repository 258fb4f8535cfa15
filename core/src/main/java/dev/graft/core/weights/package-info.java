/** A base model and where its weights are. */
@NullMarked
package dev.graft.core.weights;

import org.jspecify.annotations.NullMarked;
