package dev.graft.data.metrics;

import java.util.List;
import java.util.regex.Pattern;

/**
 * Splits text into the words that BLEU counts, as {@code mteval-v13a.pl} of NIST does, in the form that
 * sacrebleu calls 13a: its regular expressions to the letter, case as it is.
 */
final class MtevalTokenizer {
  private static final Pattern SYMBOL = Pattern.compile("([\\{-\\~\\[-\\` -\\&\\(-\\+\\:-\\@\\/])");
  private static final Pattern POINT_AFTER_OTHER = Pattern.compile("([^0-9])([\\.,])");
  private static final Pattern POINT_BEFORE_OTHER = Pattern.compile("([\\.,])([^0-9])");
  private static final Pattern DASH_AFTER_DIGIT = Pattern.compile("([0-9])(-)");
  /** White space as Python's {@code str.split} knows it, which is more than Java's. */
  private static final String SPACE = "[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]+";
  private static final Pattern SPACES = Pattern.compile(SPACE);
  private static final Pattern SPACES_AT_END = Pattern.compile(SPACE + "\\z");
  private static final Pattern SPACES_AT_START = Pattern.compile("\\A" + SPACE);

  private MtevalTokenizer() {
  }

  static List<String> words(String text) {
    String line = SPACES_AT_END.matcher(text).replaceFirst("");
    line = line.replace("<skipped>", "").replace("-\n", "").replace("\n", " ");
    line = line.replace("&quot;", "\"").replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">");
    line = " " + line + " ";
    line = SYMBOL.matcher(line).replaceAll(" $1 ");
    line = POINT_AFTER_OTHER.matcher(line).replaceAll("$1 $2 ");
    line = POINT_BEFORE_OTHER.matcher(line).replaceAll(" $1 $2");
    line = DASH_AFTER_DIGIT.matcher(line).replaceAll("$1 $2 ");
    line = SPACES_AT_START.matcher(line).replaceFirst("");
    return line.isEmpty() ? List.of() : List.of(SPACES.split(line));
  }
}
