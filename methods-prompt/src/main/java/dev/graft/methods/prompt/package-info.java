/** Prompt tuning (Lester et al. 2021). */
@NullMarked
package dev.graft.methods.prompt;

import org.jspecify.annotations.NullMarked;
