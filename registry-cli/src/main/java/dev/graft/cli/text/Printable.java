package dev.graft.cli.text;

import org.apiguardian.api.API;

/**
 * Makes text safe to show. Names and messages come from files, data and plug-ins, and a terminal obeys what
 * control characters ask of it: to move, to recolour, to retitle, to answer as if keys were pressed.
 */
@API(status = API.Status.INTERNAL, since = "0.1")
public final class Printable {
  private Printable() {
  }

  /** Returns a text in which what would steer a terminal is spelt out, as in JSON; lines and tabs stay. */
  public static String text(String text) {
    StringBuilder safe = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      boolean lineEnd = c == '\r' && i + 1 < text.length() && text.charAt(i + 1) == '\n';
      if (c == '\n' || c == '\t' || lineEnd || !steers(c)) {
        safe.append(c);
      } else {
        safe.append(String.format("\\u%04x", (int) c));
      }
    }
    return safe.toString();
  }

  /** Returns a text as {@link #text} does, on one line. */
  public static String line(String text) {
    return text(text).replace("\r", "\\r").replace("\n", "\\n");
  }

  /** Tells whether a character is a control character, or one that turns the order of the text around. */
  private static boolean steers(char c) {
    return Character.isISOControl(c) || c >= '\u2028' && c <= '\u202e' || c >= '\u2066' && c <= '\u2069'
        || c == '\u200e' || c == '\u200f' || c == '\u061c';
  }
}
