/** Breaks rules of the architecture on purpose. */
@NullMarked
package dev.graft.quant.nf4.planted;

import org.jspecify.annotations.NullMarked;
