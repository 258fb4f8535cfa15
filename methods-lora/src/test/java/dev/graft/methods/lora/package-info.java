/** Tests of what is LoRA's own arithmetic. */
@NullMarked
package dev.graft.methods.lora;

import org.jspecify.annotations.NullMarked;
