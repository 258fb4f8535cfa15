package dev.graft.cli.text;

import java.time.Duration;
import java.util.Locale;
import org.apiguardian.api.API;

/** Writes numbers as people read them. */
@API(status = API.Status.INTERNAL, since = "0.1")
public final class Quantities {
  private static final String[] THOUSANDS = {"", " k", " M", " B", " T"};
  private static final String[] BINARY = {" B", " KiB", " MiB", " GiB", " TiB"};

  private Quantities() {
  }

  /** Writes a count with three digits: 999, 1.23 k, 65.5 k, 1.2 M. */
  public static String count(long value) {
    return scaled(value, 1000, THOUSANDS);
  }

  /** Writes how many of something there are: 1 step, 2,000 steps. */
  public static String of(long count, String noun) {
    return exact(count) + " " + (count == 1 ? noun : noun + "s");
  }

  /** Writes every digit, in groups: 65,536. */
  public static String exact(long value) {
    return String.format(Locale.ROOT, "%,d", value);
  }

  /** Writes a number of bytes: 12 B, 3.5 KiB, 12.3 MiB. */
  public static String bytes(long value) {
    return scaled(value, 1024, BINARY);
  }

  private static String scaled(long value, int base, String[] units) {
    double scaled = value;
    int unit = 0;
    // 999.5 would be written as a rounded 1000.
    while (scaled >= base - 0.5 && unit < units.length - 1) {
      scaled /= base;
      unit++;
    }
    return (unit == 0 ? Long.toString(value) : digits(scaled)) + units[unit];
  }

  private static String digits(double value) {
    String text = String.format(Locale.ROOT, value < 9.995 ? "%.2f" : value < 99.95 ? "%.1f" : "%.0f", value);
    return text.contains(".") ? text.replaceAll("0+$", "").replaceAll("\\.$", "") : text;
  }

  /** Writes a share: 0.39 %, 12.5 %, 100 %. */
  public static String percent(double share) {
    double percent = share * 100;
    if (percent == 0) {
      return "0 %";
    }
    if (percent < 0.01) {
      return String.format(Locale.ROOT, "%.2g %%", percent);
    }
    return String.format(Locale.ROOT, percent < 9.995 ? "%.2f %%" : percent < 99.95 ? "%.1f %%" : "%.0f %%",
        percent);
  }

  /** Writes a time: 0.4 s, 12 s, 3 min 05 s, 2 h 07 min. */
  public static String time(double seconds) {
    if (seconds < 9.95) {
      return String.format(Locale.ROOT, "%.1f s", seconds);
    }
    Duration rounded = Duration.ofSeconds(Math.round(seconds));
    if (rounded.toMinutes() == 0) {
      return rounded.toSeconds() + " s";
    }
    return rounded.toHours() == 0
        ? String.format(Locale.ROOT, "%d min %02d s", rounded.toMinutes(), rounded.toSecondsPart())
        : String.format(Locale.ROOT, "%d h %02d min", rounded.toHours(), rounded.toMinutesPart());
  }

  /** Writes a loss with four digits after the point. */
  public static String loss(double value) {
    return String.format(Locale.ROOT, "%.4f", value);
  }
}
