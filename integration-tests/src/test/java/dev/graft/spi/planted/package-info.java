/** Breaks rules of the architecture on purpose. */
@NullMarked
package dev.graft.spi.planted;

import org.jspecify.annotations.NullMarked;
