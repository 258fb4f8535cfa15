/** Breaks rules of the architecture on purpose. */
@NullMarked
package dev.graft.data.planted;

import org.jspecify.annotations.NullMarked;
