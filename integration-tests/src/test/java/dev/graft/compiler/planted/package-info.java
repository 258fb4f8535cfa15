/** Breaks rules of the architecture on purpose. */
@NullMarked
package dev.graft.compiler.planted;

import org.jspecify.annotations.NullMarked;
