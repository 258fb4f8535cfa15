package dev.graft.template;

import java.time.Clock;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Locale;

/** Writes the present time as Python's {@code strftime} does in the C locale. */
final class TimeFormat {
  private TimeFormat() {
  }

  static String format(String format, Clock clock, Budget budget) {
    budget.charge(format.length(), 16);
    ZonedDateTime now = ZonedDateTime.now(clock);
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < format.length(); i++) {
      char c = format.charAt(i);
      if (c != '%' || i + 1 == format.length()) {
        text.append(c);
        continue;
      }
      char letter = format.charAt(++i);
      boolean unpadded = letter == '-' && i + 1 < format.length();
      if (unpadded) {
        letter = format.charAt(++i);
      }
      String field = field(letter, now);
      text.append(unpadded ? field.replaceFirst("^[0 ]+(?=.)", "") : field);
    }
    return text.toString();
  }

  private static String field(char letter, ZonedDateTime now) {
    return switch (letter) {
      case '%' -> "%";
      case 'n' -> "\n";
      case 't' -> "\t";
      case 'z', 'Z' -> "";
      case 'w' -> String.valueOf(now.getDayOfWeek().getValue() % 7);
      case 'u' -> String.valueOf(now.getDayOfWeek().getValue());
      case 's' -> String.valueOf(now.toEpochSecond());
      default -> DateTimeFormatter.ofPattern(pattern(letter), Locale.ROOT).localizedBy(Locale.US).format(now);
    };
  }

  private static String pattern(char letter) {
    return switch (letter) {
      case 'Y' -> "yyyy";
      case 'y' -> "yy";
      case 'm' -> "MM";
      case 'B' -> "MMMM";
      case 'b', 'h' -> "MMM";
      case 'd' -> "dd";
      case 'e' -> "ppd";
      case 'j' -> "DDD";
      case 'A' -> "EEEE";
      case 'a' -> "EEE";
      case 'H' -> "HH";
      case 'I' -> "hh";
      case 'M' -> "mm";
      case 'S' -> "ss";
      case 'f' -> "SSSSSS";
      case 'p' -> "a";
      case 'F' -> "yyyy-MM-dd";
      case 'T', 'X' -> "HH:mm:ss";
      case 'R' -> "HH:mm";
      case 'D', 'x' -> "MM/dd/yy";
      case 'c' -> "EEE MMM ppd HH:mm:ss yyyy";
      default -> throw new TemplateFault("the field %" + letter + " of a time is not supported");
    };
  }
}
