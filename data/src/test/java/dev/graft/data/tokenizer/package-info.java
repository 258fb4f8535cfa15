@NullMarked
package dev.graft.data.tokenizer;

import org.jspecify.annotations.NullMarked;
