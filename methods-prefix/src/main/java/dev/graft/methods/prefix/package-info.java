/** Prefix-tuning (Li and Liang 2021). */
@NullMarked
package dev.graft.methods.prefix;

import org.jspecify.annotations.NullMarked;
