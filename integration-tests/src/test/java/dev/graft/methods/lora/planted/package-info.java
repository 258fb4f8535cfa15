/** Breaks rules of the architecture on purpose. */
@NullMarked
package dev.graft.methods.lora.planted;

import org.jspecify.annotations.NullMarked;
