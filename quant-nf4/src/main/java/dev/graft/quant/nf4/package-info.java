/**
 * The 4-bit codes NF4 and FP4 with double quantisation (Dettmers et al. 2023), in the tensors and to the bit as
 * bitsandbytes stores them.
 */
@NullMarked
package dev.graft.quant.nf4;

import org.jspecify.annotations.NullMarked;
