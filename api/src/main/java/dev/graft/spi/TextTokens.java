package dev.graft.spi;

import org.apiguardian.api.API;

/** Splits texts into tokens by the base model's tokenizer, for methods that start from words. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
@FunctionalInterface
public interface TextTokens {
  /** Returns the ids of a text's tokens, with the special tokens that the tokenizer adds by itself. */
  long[] ids(String text);
}
