package dev.graft.spi;

import org.apiguardian.api.API;

/** A sample as tokens, some of which are to be learned. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public interface TokenSample {
  /** The label of a token that is not to be learned, as in PyTorch's cross entropy. */
  long IGNORED = -100;

  /** Returns token ids [tokens]. */
  long[] ids();

  /** Returns the id again where it is to be learned, else {@link #IGNORED}: [tokens]. */
  long[] labels();

  /** Returns the number of tokens. */
  default int length() {
    return ids().length;
  }

  /** Returns how many tokens are predicted and learned; the first of a row has nothing to be predicted from. */
  default int learned() {
    int count = 0;
    long[] labels = labels();
    for (int i = 1; i < labels.length; i++) {
      if (labels[i] != IGNORED) {
        count++;
      }
    }
    return count;
  }
}
