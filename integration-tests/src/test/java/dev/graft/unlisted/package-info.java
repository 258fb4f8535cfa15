/** Breaks rules of the architecture on purpose. */
@NullMarked
package dev.graft.unlisted;

import org.jspecify.annotations.NullMarked;
