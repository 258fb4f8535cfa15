/**
 * Differentiates graphs in reverse mode: the gradient of a loss becomes further nodes of the same graph
 * (Griewank and Walther 2008, chapter 3).
 */
@NullMarked
package dev.graft.compiler.autodiff;

import org.jspecify.annotations.NullMarked;
