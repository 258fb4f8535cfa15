/** Breaks rules of the architecture on purpose. */
@NullMarked
package dev.graft.tools.planted;

import org.jspecify.annotations.NullMarked;
