/** Breaks rules of the architecture on purpose. */
@NullMarked
package dev.graft.methods.prefix.planted;

import org.jspecify.annotations.NullMarked;
