/** Breaks rules of the architecture on purpose. */
@NullMarked
package dev.graft.core.planted;

import org.jspecify.annotations.NullMarked;
