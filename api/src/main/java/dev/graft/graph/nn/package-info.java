/** Composites of neural networks: what a backend may run by a kernel of its own. */
@NullMarked
package dev.graft.graph.nn;

import org.jspecify.annotations.NullMarked;
