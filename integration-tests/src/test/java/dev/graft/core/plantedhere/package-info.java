/** Breaks rules of the architecture on purpose. */
@NullMarked
package dev.graft.core.plantedhere;

import org.jspecify.annotations.NullMarked;
