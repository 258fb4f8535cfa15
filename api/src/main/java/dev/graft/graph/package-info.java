/** The symbolic graph language: tensors that only describe a computation, and graphs of whole steps. */
@NullMarked
package dev.graft.graph;

import org.jspecify.annotations.NullMarked;
