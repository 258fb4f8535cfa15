/** Evaluates and generates graphs for the tests of differentiation and of passes. */
@NullMarked
package dev.graft.compiler.graph;

import org.jspecify.annotations.NullMarked;
