/** Breaks rules of the architecture on purpose. */
@NullMarked
package dev.graft.backend.reference.planted;

import org.jspecify.annotations.NullMarked;
