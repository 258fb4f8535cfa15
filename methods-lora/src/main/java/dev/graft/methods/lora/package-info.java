/** Low-rank adaptation (Hu et al. 2021). */
@NullMarked
package dev.graft.methods.lora;

import org.jspecify.annotations.NullMarked;
