/** Tests of the 4-bit codes. */
@NullMarked
package dev.graft.quant.nf4;

import org.jspecify.annotations.NullMarked;
