package dev.graft.data.tokenizer;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads a regular expression in the syntax of Oniguruma (RE.md, syntax Ruby) for its structure. What is not
 * valid there is left to Oniguruma to report; what cannot be bounded (back references, calls) is refused.
 */
final class RegexReader {
  private static final int MAX_DEPTH = 40;
  private static final Pattern INTERVAL = Pattern.compile("\\{(\\d{0,6})(,(\\d{0,6}))?\\}");
  private static final Pattern FLAGS = Pattern.compile("\\(\\?[a-z-]*([:)])");
  private static final Pattern NAMED = Pattern.compile("\\(\\?(?:<\\w+>|'\\w+')");
  private static final List<String> LOOKS = List.of("(?=", "(?!", "(?<=", "(?<!");

  private final String text;
  private int at;
  private int depth;

  private RegexReader(String text) {
    this.text = text;
  }

  /** Says what is not understood. */
  static final class Unread extends Exception {
    private static final long serialVersionUID = 1L;

    Unread(String message) {
      super(message);
    }
  }

  static Regex read(String text) throws Unread {
    RegexReader reader = new RegexReader(text);
    List<Regex> all = new ArrayList<>();
    all.add(reader.choice());
    // A bracket too many is reported by Oniguruma; what follows is read all the same.
    while (reader.at < text.length()) {
      reader.at++;
      all.add(reader.choice());
    }
    return new Regex.Sequence(all);
  }

  private Regex choice() throws Unread {
    if (++depth > MAX_DEPTH) {
      throw new Unread("nests groups more than " + MAX_DEPTH + " deep");
    }
    List<Regex> branches = new ArrayList<>();
    branches.add(sequence());
    while (skip("|")) {
      branches.add(sequence());
    }
    depth--;
    return branches.size() == 1 ? branches.getFirst() : new Regex.Choice(branches);
  }

  private Regex sequence() throws Unread {
    List<Regex> parts = new ArrayList<>();
    while (at < text.length() && text.charAt(at) != '|' && text.charAt(at) != ')') {
      parts.add(repeated(part()));
    }
    return new Regex.Sequence(parts);
  }

  private Regex repeated(Regex part) {
    Regex repeated = part;
    while (true) {
      Matcher interval = INTERVAL.matcher(text).region(at, text.length());
      if (skip("*")) {
        repeated = afterSign(new Regex.Repeat(repeated, 0, Regex.UNBOUNDED));
      } else if (skip("+")) {
        repeated = afterSign(new Regex.Repeat(repeated, 1, Regex.UNBOUNDED));
      } else if (skip("?")) {
        repeated = afterSign(new Regex.Repeat(repeated, 0, 1));
      } else if (interval.lookingAt() && interval.end() > at + 2 && !interval.group().equals("{,}")) {
        at = interval.end();
        repeated = interval(repeated, interval);
      } else {
        return repeated;
      }
    }
  }

  /** A sign may be followed by one that makes it reluctant, which changes no bound, or possessive. */
  private Regex afterSign(Regex.Repeat repeat) {
    if (skip("+")) {
      return new Regex.Atomic(repeat);
    }
    skip("?");
    return repeat;
  }

  private Regex interval(Regex body, Matcher interval) {
    int least = interval.group(1).isEmpty() ? 0 : Integer.parseInt(interval.group(1));
    if (interval.group(2) == null) {
      return new Regex.Repeat(body, least, least);
    }
    int most = interval.group(3).isEmpty() ? Regex.UNBOUNDED : Integer.parseInt(interval.group(3));
    skip("?");
    return new Regex.Repeat(body, Math.min(least, most), Math.max(least, most));
  }

  private Regex part() throws Unread {
    char first = text.charAt(at);
    return switch (first) {
      case '(' -> group();
      case '[' -> {
        characters();
        yield new Regex.Atom(1);
      }
      case '\\' -> escape();
      case '^', '$' -> {
        at++;
        yield new Regex.Atom(0);
      }
      default -> {
        at += Character.charCount(text.codePointAt(at));
        yield new Regex.Atom(1);
      }
    };
  }

  private Regex group() throws Unread {
    if (skip("(?#")) {
      int end = text.indexOf(')', at);
      at = end < 0 ? text.length() : end + 1;
      return new Regex.Sequence(List.of());
    }
    for (String look : LOOKS) {
      if (skip(look)) {
        return new Regex.Look(body());
      }
    }
    if (skip("(?>")) {
      return new Regex.Atomic(body());
    }
    Matcher flags = FLAGS.matcher(text).region(at, text.length());
    if (flags.lookingAt()) {
      return flagged(flags);
    }
    Matcher named = NAMED.matcher(text).region(at, text.length());
    if (named.lookingAt()) {
      at = named.end();
      return body();
    }
    if (text.startsWith("(?", at) || text.startsWith("(*", at)) {
      throw new Unread("has a group that begins with \"" + shown() + "\"");
    }
    at++;
    return body();
  }

  private Regex flagged(Matcher flags) throws Unread {
    if (flags.group().contains("x")) {
      throw new Unread("sets the flag x");
    }
    at = flags.end();
    // Flags without a body of their own hold up to the end of the group that they stand in.
    return flags.group(1).equals(":") ? body() : choice();
  }

  private Regex body() throws Unread {
    Regex body = choice();
    skip(")");
    return body;
  }

  private void characters() throws Unread {
    if (++depth > MAX_DEPTH) {
      throw new Unread("nests classes of characters more than " + MAX_DEPTH + " deep");
    }
    at++;
    skip("^");
    if (at < text.length() && text.charAt(at) == ']') {
      throw new Unread("has a class that begins with ]; write \\]");
    }
    while (at < text.length() && text.charAt(at) != ']') {
      if (text.startsWith("[:", at) && text.indexOf(":]", at) > 0) {
        at = text.indexOf(":]", at) + 2;
      } else if (text.charAt(at) == '[') {
        characters();
      } else if (text.charAt(at) == '\\') {
        escape();
      } else {
        at++;
      }
    }
    skip("]");
    depth--;
  }

  private Regex escape() throws Unread {
    if (at + 1 >= text.length()) {
      at++;
      return new Regex.Atom(1);
    }
    int sign = text.codePointAt(at + 1);
    if ("123456789kgKcCM".indexOf(sign) >= 0) {
      throw new Unread("has \"" + shown() + "\"");
    }
    at += 1 + Character.charCount(sign);
    if ("pPx".indexOf(sign) >= 0 && at < text.length() && text.charAt(at) == '{') {
      int end = text.indexOf('}', at);
      at = end < 0 ? text.length() : end + 1;
    } else if (sign == 'x' || sign == 'u') {
      digits(sign == 'x' ? 2 : 4);
    }
    return new Regex.Atom("bBAzZGyY".indexOf(sign) >= 0 ? 0 : 1);
  }

  private void digits(int most) {
    for (int i = 0; i < most && at < text.length() && Character.digit(text.charAt(at), 16) >= 0; i++) {
      at++;
    }
  }

  private boolean skip(String sign) {
    boolean found = text.startsWith(sign, at);
    if (found) {
      at += sign.length();
    }
    return found;
  }

  private String shown() {
    return text.substring(at, Math.min(text.length(), at + 4));
  }
}
