package dev.graft.data.tokenizer;

import ai.djl.huggingface.tokenizers.jni.CharSpan;
import dev.graft.error.GraftException;
import java.nio.file.Path;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Tokenizes a text of any length. The native library takes hundreds of bytes for each character and cannot be
 * interrupted, so that it gets a long text by windows. These overlap, and are joined where both have the same
 * tokens at the same places: far enough from the ends of both, tokens do not depend on where a window was cut.
 *
 * @param file what error messages name
 * @param window characters of a window
 * @param overlap characters that a window and the next have in common
 */
record LongText(NativeTokenizer tokenizer, Path file, int window, int overlap) {
  /** Takes some 100 MB and a second at most. */
  private static final int WINDOW = 1 << 18;
  private static final int OVERLAP = 1 << 12;

  static LongText of(NativeTokenizer tokenizer, Path file) {
    return new LongText(tokenizer, file, WINDOW, OVERLAP);
  }

  long[] ids(String text, boolean addSpecialTokens) {
    if (text.length() <= window) {
      return tokenizer.ids(text, addSpecialTokens);
    }
    long[] ids = tokens(text).ids();
    return addSpecialTokens ? withSpecialTokens(ids) : ids;
  }

  /** Adds what the tokenizer adds to any text. */
  private long[] withSpecialTokens(long[] ids) {
    long[] plain = tokenizer.ids("a", false);
    long[] special = tokenizer.ids("a", true);
    for (int start = 0; start + plain.length <= special.length; start++) {
      int end = start + plain.length;
      if (Arrays.equals(plain, Arrays.copyOfRange(special, start, end))) {
        long[] all = new long[ids.length + special.length - plain.length];
        System.arraycopy(special, 0, all, 0, start);
        System.arraycopy(ids, 0, all, start, ids.length);
        System.arraycopy(special, end, all, start + ids.length, special.length - end);
        return all;
      }
    }
    throw new GraftException("By its post_processor, " + file + " cannot take a text of more than " + window
        + " characters; split the text");
  }

  TokenizedText tokens(String text) {
    int end = boundary(text, Math.min(window, text.length()));
    TokenizedText left = part(text, 0, end);
    if (text.length() <= window) {
      return left;
    }
    Joined all = new Joined(text.length() / 3);
    int from = 0;
    while (end < text.length()) {
      if (Thread.currentThread().isInterrupted()) {
        throw new GraftException("A text of " + text.length() + " characters was being tokenized when the"
            + " thread was interrupted");
      }
      int begin = boundary(text, end - overlap);
      int nextEnd = boundary(text, Math.min(text.length(), begin + window));
      TokenizedText right = part(text, begin, nextEnd);
      int quarter = (end - begin) / 4;
      int leftJoint = firstFrom(left, begin + quarter);
      int rightJoint = firstFrom(right, begin + quarter);
      if (!agree(left, leftJoint, right, rightJoint, end - quarter)) {
        throw new GraftException(file + " cannot take a text of " + text.length()
            + " characters, which around character " + end + " has no words or lines to split it at");
      }
      all.add(left, from, leftJoint);
      left = right;
      from = rightJoint;
      end = nextEnd;
    }
    all.add(left, from, left.ids().length);
    return all.text();
  }

  /** Tells whether both have the same tokens up to a place, and one at least. */
  private static boolean agree(TokenizedText left, int i, TokenizedText right, int j, int end) {
    int count = firstFrom(left, end) - i;
    return count > 0 && firstFrom(right, end) - j == count
        && Arrays.equals(left.ids(), i, i + count, right.ids(), j, j + count)
        && Arrays.equals(left.starts(), i, i + count, right.starts(), j, j + count)
        && Arrays.equals(left.ends(), i, i + count, right.ends(), j, j + count);
  }

  /** Returns the first token that begins at a place or later, and is not the rest of a character before it. */
  private static int firstFrom(TokenizedText tokens, int place) {
    int i = 0;
    while (i < tokens.ids().length && tokens.starts()[i] < place) {
      i++;
    }
    return i;
  }

  private static int boundary(String text, int at) {
    return at < text.length() && Character.isLowSurrogate(text.charAt(at)) ? at - 1 : at;
  }

  /** Returns the tokens of a part of a text, with their places in the whole. */
  private TokenizedText part(String text, int from, int to) {
    String part = text.substring(from, to);
    NativeTokenizer.Tokens tokens = tokenizer.tokens(part);
    int[] starts = new int[tokens.ids().length];
    int[] ends = new int[starts.length];
    int[] places = places(part);
    for (int i = 0; i < starts.length; i++) {
      @Nullable
      CharSpan span = tokens.spans()[i];
      if (span == null || span.getStart() >= places.length || span.getEnd() >= places.length) {
        throw new GraftException(
            file + ": by its normalizer or model, token " + i + " has no place in a text of "
                + part.length() + " characters. Copy the file again from where the model comes from");
      }
      starts[i] = from + places[span.getStart()];
      ends[i] = from + places[span.getEnd()];
    }
    return new TokenizedText(tokens.ids(), starts, ends);
  }

  /** Returns the index of every code point, since the native library counts those. */
  private static int[] places(String text) {
    int count = text.codePointCount(0, text.length());
    int[] places = new int[count + 1];
    for (int i = 0; i < count; i++) {
      places[i + 1] = places[i] + Character.charCount(text.codePointAt(places[i]));
    }
    return places;
  }

  /** Gathers tokens. */
  private static final class Joined {
    private long[] ids;
    private int[] starts;
    private int[] ends;
    private int size;

    Joined(int expected) {
      ids = new long[expected];
      starts = new int[expected];
      ends = new int[expected];
    }

    void add(TokenizedText tokens, int from, int to) {
      int count = to - from;
      if (size + count > ids.length) {
        int longer = Math.max(size + count, (int) Math.min(Integer.MAX_VALUE - 8, ids.length * 2L));
        ids = Arrays.copyOf(ids, longer);
        starts = Arrays.copyOf(starts, longer);
        ends = Arrays.copyOf(ends, longer);
      }
      System.arraycopy(tokens.ids(), from, ids, size, count);
      System.arraycopy(tokens.starts(), from, starts, size, count);
      System.arraycopy(tokens.ends(), from, ends, size, count);
      size += count;
    }

    TokenizedText text() {
      return new TokenizedText(Arrays.copyOf(ids, size), Arrays.copyOf(starts, size),
          Arrays.copyOf(ends, size));
    }
  }
}
