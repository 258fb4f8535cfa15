/** Tests of base models. */
@NullMarked
package dev.graft.core.graphs;

import org.jspecify.annotations.NullMarked;
