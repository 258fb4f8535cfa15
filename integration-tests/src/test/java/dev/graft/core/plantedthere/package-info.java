/** Breaks rules of the architecture on purpose. */
@NullMarked
package dev.graft.core.plantedthere;

import org.jspecify.annotations.NullMarked;
