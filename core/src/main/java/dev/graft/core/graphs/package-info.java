/** Graphs of a model with its adapters. */
@NullMarked
package dev.graft.core.graphs;

import org.jspecify.annotations.NullMarked;
