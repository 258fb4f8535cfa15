package dev.graft.data.dataset;

import dev.graft.data.tokenizer.TokenizedText;
import dev.graft.data.tokenizer.Tokenizer;
import dev.graft.error.GraftException;
import dev.graft.spi.TokenSample;
import dev.graft.template.Span;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.LongStream;

/**
 * Turns a text of which parts are learned into tokens. Before each part the text is cut as it is at inference,
 * where the model is given the tokens of what stands before and has to go on from there, so no token reaches
 * over the beginning or the end of what is learned.
 */
final class TurnTokens {
  /** What a text is put behind to be encoded as the continuation of another; most of them merge with nothing. */
  private static final List<String> ANCHORS = List.of("\n", ">", "]", "a");

  private final Tokenizer tokenizer;
  private final String text;
  private final TokenizedText whole;

  /** Prepares the tokens of a text up to some place. */
  TurnTokens(Tokenizer tokenizer, String text, int end) {
    this.tokenizer = tokenizer;
    this.text = text.substring(0, end);
    this.whole = tokenizer.encodeWithPlaces(this.text);
  }

  /**
   * Returns the tokens, of which those of the spans are learned.
   *
   * @param spans in order and apart from each other; the last ends where the text does
   * @param trimmed whether what follows the token that ends a turn is left out, if it is white space
   */
  EncodedSample learning(List<Span> spans, boolean trimmed) {
    LongStream.Builder ids = LongStream.builder();
    LongStream.Builder labels = LongStream.builder();
    int at = 0;
    boolean open = false;
    for (Span span : spans) {
      for (long id : tokens(at, span.start(), true)) {
        ids.add(id);
        // Where the next message's first token is what a turn stops at, it is for the turn to produce.
        labels.add(open && tokenizer.stopIds().contains(id) ? id : TokenSample.IGNORED);
        open = false;
      }
      long[] turn = tokens(span.start(), span.end(), false);
      int learned = trimmed ? learned(turn) : turn.length;
      for (int i = 0; i < turn.length; i++) {
        if (i < learned || span.end() < text.length()) {
          ids.add(turn[i]);
          labels.add(i < learned ? turn[i] : TokenSample.IGNORED);
        }
      }
      at = span.end();
      open = trimmed && (learned == 0 || !tokenizer.stopIds().contains(turn[learned - 1]));
    }
    return new EncodedSample(ids.build().toArray(), labels.build().toArray());
  }

  private int learned(long[] turn) {
    for (int i = turn.length - 1; i >= 0; i--) {
      if (tokenizer.isAdded(turn[i])) {
        return i + 1;
      }
      if (!tokenizer.decode(new long[]{turn[i]}, false).isBlank()) {
        break;
      }
    }
    return turn.length;
  }

  private long[] tokens(int from, int to, boolean prompt) {
    if (from == to) {
      return new long[0];
    }
    int first = border(from);
    int last = border(to);
    if (first >= 0 && last >= 0 && (!prompt || asAtInference(first, last, to))) {
      return Arrays.copyOfRange(whole.ids(), first, last);
    }
    String part = text.substring(from, to);
    return from == 0 ? tokenizer.encode(part, false) : continuation(part);
  }

  /** Returns the index of the first token at or after a place, or -1 if a token reaches over the place. */
  private int border(int place) {
    int[] starts = whole.starts();
    int low = 0;
    int high = starts.length;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (starts[middle] < place) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low > 0 && whole.ends()[low - 1] > place ? -1 : low;
  }

  /** Tells whether the text up to a place has the same tokens if what follows is not there yet. */
  private boolean asAtInference(int from, int to, int place) {
    // Texts between tokens that are found before all others are encoded by themselves.
    int mark = to - 1;
    while (mark > from && !tokenizer.isAdded(whole.ids()[mark])) {
      mark--;
    }
    return encodesAlike(mark, to, place) || mark > 0 && encodesAlike(0, to, place);
  }

  private boolean encodesAlike(int from, int to, int place) {
    int start = from == 0 ? 0 : whole.starts()[from];
    return Arrays.equals(tokenizer.encode(text.substring(start, place), false),
        Arrays.copyOfRange(whole.ids(), from, to));
  }

  /** Returns the tokens of a text that continues another, without a space that begins texts for some tokenizers. */
  private long[] continuation(String part) {
    Optional<long[]> inexact = Optional.empty();
    for (String anchor : ANCHORS) {
      Optional<long[]> tokens = behind(anchor, part);
      if (tokens.isPresent() && exact(anchor, part, tokens.get())) {
        return tokens.get();
      }
      inexact = inexact.or(() -> tokens);
    }
    return inexact.orElseGet(() -> tokenizer.encode(part, false));
  }

  private Optional<long[]> behind(String anchor, String part) {
    try {
      long[] before = tokenizer.encode(anchor, false);
      long[] both = tokenizer.encode(anchor + part, false);
      return both.length > before.length && Arrays.equals(before, Arrays.copyOf(both, before.length))
          ? Optional.of(Arrays.copyOfRange(both, before.length, both.length))
          : Optional.empty();
    } catch (GraftException e) {
      // The tokenizer has no token for the anchor.
      return Optional.empty();
    }
  }

  private boolean exact(String anchor, String part, long[] tokens) {
    long[] before = tokenizer.encode(anchor, false);
    return tokenizer.decode(LongStream.concat(Arrays.stream(before), Arrays.stream(tokens)).toArray(), false)
        .equals(tokenizer.decode(before, false) + part);
  }
}
