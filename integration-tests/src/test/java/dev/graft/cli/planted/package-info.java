/** Breaks rules of the architecture on purpose. */
@NullMarked
package dev.graft.cli.planted;

import org.jspecify.annotations.NullMarked;
