/** Breaks rules of the architecture on purpose. */
@NullMarked
package dev.graft.testkit.planted;

import org.jspecify.annotations.NullMarked;
