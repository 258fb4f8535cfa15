/** Breaks rules of the architecture on purpose. */
@NullMarked
package dev.graft.models.planted;

import org.jspecify.annotations.NullMarked;
