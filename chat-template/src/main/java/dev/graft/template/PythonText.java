package dev.graft.template;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.IntPredicate;

/** What Python's {@code str} does where Java's {@link String} does something else. */
final class PythonText {
  private PythonText() {
  }

  /** Tells whether {@code str.isspace} holds, which {@code strip}, {@code split} and {@code \s} go by. */
  static boolean isSpace(int c) {
    return c >= '\t' && c <= '\r' || c >= 0x1c && c <= ' ' || c == 0x85 || c == 0xa0 || c == 0x1680
        || c >= 0x2000 && c <= 0x200a || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f
        || c == 0x3000;
  }

  static String strip(String text) {
    return stripLeading(stripTrailing(text, PythonText::isSpace), PythonText::isSpace);
  }

  static String stripTrailing(String text) {
    return stripTrailing(text, PythonText::isSpace);
  }

  static String stripLeading(String text, IntPredicate drops) {
    int start = 0;
    while (start < text.length() && drops.test(text.codePointAt(start))) {
      start += Character.charCount(text.codePointAt(start));
    }
    return text.substring(start);
  }

  static String stripTrailing(String text, IntPredicate drops) {
    int end = text.length();
    while (end > 0 && drops.test(text.codePointBefore(end))) {
      end -= Character.charCount(text.codePointBefore(end));
    }
    return text.substring(0, end);
  }

  /** Counts code points, which Python's indices are about. */
  static int length(String text) {
    return text.codePointCount(0, text.length());
  }

  /** Splits at runs of white space; a negative limit means as often as possible. */
  static List<Object> splitAtSpace(String text, long limit) {
    List<Object> parts = new ArrayList<>();
    int start = skip(text, 0, true);
    while (start < text.length()) {
      if (limit >= 0 && parts.size() == limit) {
        parts.add(stripTrailing(text.substring(start)));
        break;
      }
      int end = skip(text, start, false);
      parts.add(text.substring(start, end));
      start = skip(text, end, true);
    }
    return parts;
  }

  private static int skip(String text, int from, boolean space) {
    int i = from;
    while (i < text.length() && isSpace(text.charAt(i)) == space) {
      i++;
    }
    return i;
  }

  static List<Object> split(String text, String separator, long limit) {
    List<Object> parts = new ArrayList<>();
    int start = 0;
    for (int i = text.indexOf(separator); i >= 0 && (limit < 0 || parts.size() < limit); i = text
        .indexOf(separator, start)) {
      parts.add(text.substring(start, i));
      start = i + separator.length();
    }
    parts.add(text.substring(start));
    return parts;
  }

  static List<Object> splitFromEnd(String text, String separator, long limit) {
    List<Object> parts = new ArrayList<>();
    int end = text.length();
    while (limit < 0 || parts.size() < limit) {
      int i = end < separator.length() ? -1 : text.lastIndexOf(separator, end - separator.length());
      if (i < 0) {
        break;
      }
      parts.addFirst(text.substring(i + separator.length(), end));
      end = i;
    }
    parts.addFirst(text.substring(0, end));
    return parts;
  }

  /** Splits at line ends, with Python's idea of them; an end at the very end begins no further line. */
  static List<Object> lines(String text, boolean keepEnds) {
    List<Object> lines = new ArrayList<>();
    int start = 0;
    for (int i = 0; i < text.length(); i++) {
      if (!isLineEnd(text.charAt(i))) {
        continue;
      }
      int after = text.startsWith("\r\n", i) ? i + 2 : i + 1;
      lines.add(text.substring(start, keepEnds ? after : i));
      start = after;
      i = after - 1;
    }
    if (start < text.length()) {
      lines.add(text.substring(start));
    }
    return lines;
  }

  private static boolean isLineEnd(char c) {
    return c >= '\n' && c <= '\r' || c >= 0x1c && c <= 0x1e || c == 0x85 || c == 0x2028 || c == 0x2029;
  }

  static String capitalize(String text) {
    if (text.isEmpty()) {
      return text;
    }
    int first = text.codePointAt(0);
    int size = Character.charCount(first);
    return titleCase(first) + text.substring(size).toLowerCase(Locale.ROOT);
  }

  /** Begins every word in upper case, a word being a run of letters that have a case. */
  static String title(String text) {
    StringBuilder titled = new StringBuilder();
    boolean inWord = false;
    for (int i = 0; i < text.length(); i += Character.charCount(text.codePointAt(i))) {
      int c = text.codePointAt(i);
      String one = Character.toString(c);
      titled.append(inWord ? one.toLowerCase(Locale.ROOT) : titleCase(c));
      inWord = isCased(c);
    }
    return titled.toString();
  }

  private static String titleCase(int c) {
    int titled = Character.toTitleCase(c);
    String upper = Character.toString(c).toUpperCase(Locale.ROOT);
    if (titled != c || upper.codePointCount(0, upper.length()) == 1) {
      return Character.toString(titled);
    }
    int first = upper.codePointAt(0);
    return Character.toString(first) + upper.substring(Character.charCount(first)).toLowerCase(Locale.ROOT);
  }

  static boolean isCased(int c) {
    return Character.isUpperCase(c) || Character.isLowerCase(c) || Character.isTitleCase(c);
  }

  /** Replaces up to a count of occurrences; an empty text to replace stands between all characters. */
  static String replace(String text, String old, String replacement, long count, Budget budget) {
    chargeSearch(text, old, budget);
    if (old.isEmpty()) {
      return interleave(text, replacement, count, budget);
    }
    StringBuilder result = new StringBuilder();
    int start = 0;
    long done = 0;
    for (int i = text.indexOf(old); i >= 0 && (count < 0 || done < count); i = text.indexOf(old, start)) {
      budget.charge(replacement.length());
      result.append(text, start, i).append(replacement);
      start = i + old.length();
      done++;
    }
    return result.append(text, start, text.length()).toString();
  }

  private static String interleave(String text, String between, long count, Budget budget) {
    StringBuilder result = new StringBuilder();
    long done = 0;
    for (int i = 0; i <= text.length();) {
      if (count < 0 || done < count) {
        budget.charge(between.length());
        result.append(between);
        done++;
      }
      if (i == text.length()) {
        break;
      }
      int size = Character.charCount(text.codePointAt(i));
      result.append(text, i, i + size);
      i += size;
    }
    return result.toString();
  }

  /** Charges for a search, which may look at every pair of characters in the worst case. */
  static void chargeSearch(String text, String part, Budget budget) {
    budget.charge(text.length(), part.length() / 64 + 1L);
  }
}
