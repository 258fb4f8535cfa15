/** Breaks rules of the architecture on purpose. */
@NullMarked
package dev.graft.formats.planted;

import org.jspecify.annotations.NullMarked;
