/** How the tokens of a batch are laid out in a graph. */
@NullMarked
package dev.graft.core.batch;

import org.jspecify.annotations.NullMarked;
