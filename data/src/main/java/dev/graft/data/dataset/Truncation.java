package dev.graft.data.dataset;

import java.util.Arrays;

/**
 * Divides a length limit between a prompt and a completion by the rule of LLaMA-Factory: a completion shorter
 * than half of the limit is kept whole, else a prompt shorter than half of it is, else both are cut in
 * proportion.
 */
record Truncation(int prompt, int completion) {

  static Truncation of(int prompt, int completion, int limit) {
    long mostOfCompletion;
    if (2L * completion < limit) {
      mostOfCompletion = limit;
    } else if (2L * prompt < limit) {
      mostOfCompletion = (long) limit - prompt;
    } else {
      mostOfCompletion = (long) (limit * ((double) completion / ((long) prompt + completion)));
    }
    int keptCompletion = (int) Math.min(mostOfCompletion, completion);
    return new Truncation(Math.min(Math.max(limit - keptCompletion, 0), prompt), keptCompletion);
  }

  /**
   * Cuts the prompt in its middle, so that the special tokens at its start and the words right before the
   * answer stay, and the completion at its end.
   */
  EncodedSample apply(long[] wholePrompt, long[] wholeCompletion) {
    long[] kept = wholePrompt;
    if (prompt < wholePrompt.length) {
      int head = (prompt + 1) / 2;
      kept = Arrays.copyOf(wholePrompt, prompt);
      int tail = prompt - head;
      System.arraycopy(wholePrompt, wholePrompt.length - tail, kept, head, tail);
    }
    return EncodedSample.of(kept, Arrays.copyOf(wholeCompletion, completion));
  }
}
