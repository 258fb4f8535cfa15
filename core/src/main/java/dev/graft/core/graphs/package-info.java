/** Base models: their outline, their weights, and the graphs made of them. */
@NullMarked
package dev.graft.core.graphs;

import org.jspecify.annotations.NullMarked;
