package dev.graft.spi;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Translates a regular expression from Python's spelling to Java's. The two agree on most, and differ in named
 * groups, flags, escapes, braces and character classes. Python's rules:
 * {@code https://docs.python.org/3/library/re.html}.
 */
final class PythonRegex {
  private static final int MOST_CHARACTERS = 100_000;
  private static final int DEEPEST = 200;
  /** How often counted repetitions within each other may repeat something; it bounds a match's time. */
  private static final long MOST_REPEATS = 100_000;

  private static final Pattern FLAGS = Pattern.compile("([aiLmsux]*)(?:-([imsx]+))?([:)])");
  private static final Pattern VERBOSE = Pattern.compile("\\(\\?[aimsu]*x[aimsux]*\\)");

  private final String source;
  private final StringBuilder out = new StringBuilder();
  private final List<String> names = new ArrayList<>();
  private final Deque<Level> levels = new ArrayDeque<>();
  private int at;
  private int flags = Pattern.UNIX_LINES | Pattern.UNICODE_CHARACTER_CLASS;
  private boolean verbose;

  /**
   * Holds a translation.
   *
   * @param regex in Java's spelling
   * @param flags of {@link Pattern}
   */
  record Translated(String regex, int flags) {}

  /** Counts what one run through a group takes. */
  private static final class Level {
    private long sum;
    private long last;
    private boolean repeatable;

    void add(long cost) {
      sum += last;
      last = cost;
      repeatable = true;
    }

    long cost() {
      return Math.max(1, sum + last);
    }
  }

  private PythonRegex(String source) {
    this.source = source;
  }

  /**
   * Translates an expression.
   *
   * @throws IllegalArgumentException if Python would not take it, as far as Java would; or if it is too large
   */
  static Translated translate(String regex) {
    if (regex.length() > MOST_CHARACTERS) {
      throw new IllegalArgumentException("it has more than " + MOST_CHARACTERS + " characters");
    }
    return new PythonRegex(regex).translate();
  }

  private Translated translate() {
    levels.push(new Level());
    // A flag counts for the whole expression wherever it stands, as it did in every Python before 3.11.
    verbose = VERBOSE.matcher(source).find();
    while (at < source.length()) {
      element();
    }
    if (levels.size() > 1) {
      throw fault("a parenthesis is not closed");
    }
    return new Translated(out.toString(), flags);
  }

  private void element() {
    char c = source.charAt(at);
    switch (c) {
      case '\\' -> escape(false);
      case '[' -> characterClass();
      case '(' -> open();
      case ')' -> close();
      case '*', '+', '?' -> quantifier(c == '+' ? 1 : 0, String.valueOf(c), 1);
      case '{' -> brace();
      case '}' -> literal("\\}");
      case '|' -> {
        emit("|", 1);
        level().add(0);
        level().repeatable = false;
      }
      case '^' -> emit("^", 1);
      // Python's $ is the end or a line break right before it; Java's too, in Unix lines.
      case '$' -> emit("$", 1);
      default -> {
        if (verbose && Character.isWhitespace(c)) {
          at++;
        } else if (verbose && c == '#') {
          int end = source.indexOf('\n', at);
          at = end < 0 ? source.length() : end;
        } else {
          literal(c == ']' ? "\\]" : String.valueOf(c));
        }
      }
    }
  }

  private Level level() {
    Level level = levels.peek();
    if (level == null) {
      throw fault("a parenthesis too many");
    }
    return level;
  }

  private void literal(String java) {
    emit(java, 1);
    level().add(1);
  }

  private void emit(String java, int read) {
    out.append(java);
    at += read;
  }

  private IllegalArgumentException fault(String what) {
    return new IllegalArgumentException(what + " at index " + at);
  }

  private void quantifier(long least, String java, int read) {
    Level level = level();
    if (!level.repeatable) {
      throw fault("there is nothing to repeat");
    }
    emit(java, read);
    if (at < source.length() && (source.charAt(at) == '?' || source.charAt(at) == '+')) {
      emit(String.valueOf(source.charAt(at)), 1);
    }
    level.last = Math.multiplyExact(Math.max(1, level.last), Math.clamp(least, 1, Integer.MAX_VALUE));
    level.repeatable = false;
    if (level.cost() > MOST_REPEATS) {
      throw fault("counted repetitions repeat a part more than " + MOST_REPEATS + " times");
    }
  }

  /** Reads a counted repetition; a brace that begins none stands for itself. */
  private void brace() {
    int end = source.indexOf('}', at);
    String inside = end < 0 ? "" : source.substring(at + 1, end);
    if (!inside.matches("\\d{1,9}|\\d{0,9},\\d{0,9}") || inside.equals(",") && !level().repeatable) {
      literal("\\{");
      return;
    }
    String[] bounds = inside.split(",", 2);
    String least = bounds[0].isEmpty() ? "0" : bounds[0];
    String java = "{" + least + (bounds.length == 2 ? "," + bounds[1] : "") + "}";
    if (bounds.length == 2 && !bounds[1].isEmpty() && Long.parseLong(bounds[1]) < Long.parseLong(least)) {
      throw fault("the least of a repetition is greater than the most");
    }
    quantifier(Long.parseLong(least), java, inside.length() + 2);
  }

  private void open() {
    if (!source.startsWith("(?", at)) {
      push("(", 1);
      return;
    }
    String rest = source.substring(at + 2, Math.min(source.length(), at + 2 + 64));
    if (rest.startsWith("P<")) {
      String name = name('>', 4);
      names.add(name);
      push("(?<" + javaName(names.size()) + ">", 0);
    } else if (rest.startsWith("P=")) {
      String name = name(')', 4);
      int group = names.indexOf(name) + 1;
      if (group == 0) {
        throw fault("there is no group named \"" + name + "\"");
      }
      emit("\\k<" + javaName(group) + ">", 0);
      level().add(1);
    } else if (rest.startsWith("#")) {
      int end = source.indexOf(')', at);
      if (end < 0) {
        throw fault("a comment is not closed");
      }
      at = end + 1;
    } else if (rest.startsWith(":") || rest.startsWith("=") || rest.startsWith("!") || rest.startsWith(">")) {
      push("(?" + rest.charAt(0), 3);
    } else if (rest.startsWith("<=") || rest.startsWith("<!")) {
      push("(?" + rest.substring(0, 2), 4);
    } else if (rest.startsWith("(")) {
      throw fault("a condition on a group, (?(1)…), is not supported");
    } else {
      flags(rest);
    }
  }

  private static String javaName(int index) {
    return "n" + index;
  }

  private String name(char end, int skipped) {
    int from = at + skipped;
    int to = source.indexOf(end, from);
    String name = to < 0 ? "" : source.substring(from, to);
    if (!name.matches("[\\p{L}_][\\p{L}\\p{N}_]*")) {
      throw fault("the name of a group is faulty");
    }
    if (end == '>' && names.contains(name)) {
      throw fault("the group \"" + name + "\" is defined twice");
    }
    at = to + 1;
    return name;
  }

  private void flags(String rest) {
    Matcher matcher = FLAGS.matcher(rest);
    if (!matcher.lookingAt()) {
      throw fault("\"(?" + rest.substring(0, Math.min(1, rest.length())) + "\" begins no group in Python");
    }
    String on = matcher.group(1);
    String off = matcher.group(2) == null ? "" : matcher.group(2);
    if ((on + off).contains("L")) {
      throw fault("the flag L is for bytes, not for text");
    }
    if (matcher.group(3).equals(":")) {
      if ((on + off).contains("x")) {
        throw fault("the flag x for a part of an expression is not supported");
      }
      push("(?" + javaFlags(on) + (off.isEmpty() ? "" : "-" + javaFlags(off)) + ":", 2 + matcher.end());
      return;
    }
    if (!off.isEmpty()) {
      throw fault("a flag cannot be taken from the whole expression");
    }
    for (char flag : on.toCharArray()) {
      switch (flag) {
        case 'a' -> flags &= ~Pattern.UNICODE_CHARACTER_CLASS;
        case 'i' -> flags |= Pattern.CASE_INSENSITIVE | Pattern.UNICODE_CASE;
        case 'm' -> flags |= Pattern.MULTILINE;
        case 's' -> flags |= Pattern.DOTALL;
        case 'u' -> {
        }
        default -> verbose = true;
      }
    }
    at += 2 + matcher.end();
  }

  private static String javaFlags(String python) {
    StringBuilder java = new StringBuilder();
    for (char flag : python.toCharArray()) {
      java.append(switch (flag) {
        case 'i' -> "iu";
        case 'm' -> "m";
        case 's' -> "s";
        case 'u' -> "U";
        default -> "";
      });
    }
    return java.toString();
  }

  private void push(String java, int read) {
    emit(java, read);
    levels.push(new Level());
    if (levels.size() > DEEPEST) {
      throw fault("parentheses are nested more than " + DEEPEST + " deep");
    }
  }

  private void close() {
    if (levels.size() == 1) {
      throw fault("a parenthesis too many");
    }
    long cost = levels.pop().cost();
    emit(")", 1);
    level().add(cost);
  }

  /** Translates what follows a backslash. */
  private void escape(boolean inClass) {
    if (at + 1 == source.length()) {
      throw fault("a backslash at the end");
    }
    char c = source.charAt(at + 1);
    String java = switch (c) {
      case 'd', 'D', 's', 'S', 'w', 'W', 'n', 'r', 't', 'f', 'a' -> "\\" + c;
      case 'v' -> "\\x0B";
      case 'b' -> inClass ? "\\x08" : "\\b";
      case 'x' -> "\\x" + hex(2);
      case 'u' -> "\\u" + hex(4);
      case 'U' -> "\\x{" + hex(8) + "}";
      case 'A', 'B' -> inClass ? unknown(c) : "\\" + c;
      case 'Z', 'z' -> inClass ? unknown(c) : "\\z";
      case '0', '1', '2', '3', '4', '5', '6', '7', '8', '9' -> digits(inClass);
      default -> c >= 128 ? String.valueOf(c) : Character.isLetter(c) ? unknown(c) : "\\" + c;
    };
    out.append(java);
    at += 2;
    if (!inClass) {
      level().add(1);
      // Python repeats no place, such as a word's end.
      level().repeatable = "ABZzb".indexOf(c) < 0;
    }
  }

  private String unknown(char c) {
    throw fault("\\" + c + " is no escape in Python");
  }

  private String hex(int digits) {
    int from = at + 2;
    String hex = source.substring(from, Math.min(source.length(), from + digits));
    if (!hex.matches("[0-9a-fA-F]{" + digits + "}")
        || digits == 8 && Long.parseLong(hex, 16) > Character.MAX_CODE_POINT) {
      throw fault("an escape takes " + digits + " hexadecimal digits of a character");
    }
    at += digits;
    return hex;
  }

  /** Reads an octal number or the number of a group. */
  private String digits(boolean inClass) {
    int from = at + 1;
    int end = from;
    while (end < source.length() && end < from + 3 && Character.digit(source.charAt(end), 10) >= 0) {
      end++;
    }
    String digits = source.substring(from, end);
    boolean octal = digits.matches("0[0-7]{0,2}.*|[0-3][0-7]{2}") || inClass;
    if (octal) {
      String number = digits.replaceFirst("^([0-7]{0,3}).*", "$1");
      if (number.isEmpty()) {
        throw fault("an octal number begins with another digit");
      }
      at += number.length() - 1;
      return "\\x{" + Integer.toHexString(Integer.parseInt(number, 8)) + "}";
    }
    String group = digits.substring(0, Math.min(2, digits.length()));
    at += group.length() - 1;
    // The empty group keeps a digit that follows from becoming a part of the number.
    return "(?:\\" + group + ")";
  }

  private void characterClass() {
    int start = at;
    emit("[", 1);
    if (at < source.length() && source.charAt(at) == '^') {
      emit("^", 1);
    }
    boolean first = true;
    while (true) {
      if (at >= source.length()) {
        at = start;
        throw fault("a character class is not closed");
      }
      char c = source.charAt(at);
      if (c == ']' && !first) {
        emit("]", 1);
        level().add(1);
        return;
      }
      first = false;
      switch (c) {
        case '\\' -> escape(true);
        // Java reads classes within classes and their intersections; in Python these stand for themselves.
        case '[', ']', '&', '^', '#', ' ' -> emit("\\" + c, 1);
        default -> emit(String.valueOf(c), 1);
      }
    }
  }
}
