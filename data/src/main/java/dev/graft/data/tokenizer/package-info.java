/** Tokenizers in the format of the Hugging Face library. */
@NullMarked
package dev.graft.data.tokenizer;

import org.jspecify.annotations.NullMarked;
