package dev.graft.cli;

import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;

/**
 * Looks whether Java could read what the system gave it. Under a locale whose character set is ASCII (POSIX, that
 * of cron, containers and services), Java takes a replacement character for every byte that it does not know, so
 * that a prompt would be another one.
 */
final class NativeText {
  private static final String REPLACEMENT = "\ufffd";

  private NativeText() {
  }

  /** Returns what is wrong with the arguments or the working folder of this process. */
  static Optional<String> fault(List<String> arguments) {
    String charset = System.getProperty("sun.jnu.encoding", StandardCharsets.UTF_8.name());
    if (Charset.isSupported(charset) && Charset.forName(charset).equals(StandardCharsets.UTF_8)) {
      return Optional.empty();
    }
    Optional<String> unread = arguments.stream().filter(argument -> argument.contains(REPLACEMENT))
        .findFirst();
    if (unread.isPresent()) {
      return Optional.of("the argument \"" + unread.get() + "\" has " + unreadable(charset));
    }
    return System.getProperty("user.dir", "").contains(REPLACEMENT)
        ? Optional.of("the name of the current folder has " + unreadable(charset))
        : Optional.empty();
  }

  private static String unreadable(String charset) {
    return "characters that the locale's character set, " + charset
        + ", does not have: start with LC_ALL=C.UTF-8, or another locale in UTF-8";
  }
}
