/** Breaks rules of the architecture on purpose. */
@NullMarked
package dev.graft.template.planted;

import org.jspecify.annotations.NullMarked;
