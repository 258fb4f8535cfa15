/** Weight-decomposed low-rank adaptation (Liu et al. 2024). */
@NullMarked
package dev.graft.methods.dora;

import org.jspecify.annotations.NullMarked;
