package dev.graft.data.tokenizer;

import java.util.Arrays;
import org.apiguardian.api.API;

/**
 * Decodes tokens one by one, for printing while they are generated. Special tokens are left out, and a
 * character whose bytes are spread over several tokens appears when its last one has come.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class TokenStream {
  private static final char REPLACEMENT = '\uFFFD';
  /** A character has at most four bytes; beyond this many tokens, bytes are just not a character. */
  private static final int MAX_HELD = 16;

  private final Tokenizer tokenizer;
  private long[] ids = new long[0];
  private int shown;

  TokenStream(Tokenizer tokenizer) {
    this.tokenizer = tokenizer;
  }

  /** Returns the text that the token completes; empty if more tokens are needed. */
  public String add(long id) {
    ids = Arrays.copyOf(ids, ids.length + 1);
    ids[ids.length - 1] = id;
    String text = decode(ids.length);
    boolean incomplete = !text.isEmpty() && text.charAt(text.length() - 1) == REPLACEMENT;
    return incomplete && ids.length - shown < MAX_HELD ? "" : show(text);
  }

  /** Returns what was held back, with a replacement character for bytes that never became a character. */
  public String finish() {
    return show(decode(ids.length));
  }

  /**
   * Takes what is new in the text. The tokens shown before stay as context, for decoders treat the first token
   * of a text in a special way; those before them are dropped.
   */
  private String show(String text) {
    String before = decode(shown);
    if (text.length() <= before.length()) {
      return "";
    }
    ids = Arrays.copyOfRange(ids, shown, ids.length);
    shown = ids.length;
    return text.substring(before.length());
  }

  private String decode(int count) {
    return tokenizer.decode(Arrays.copyOf(ids, count), true);
  }
}
