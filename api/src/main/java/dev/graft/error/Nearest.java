package dev.graft.error;

import java.util.Collection;
import java.util.Comparator;
import java.util.Locale;
import java.util.Optional;
import org.apiguardian.api.API;

/** Finds what a user may have meant by a name that does not exist. */
@API(status = API.Status.INTERNAL, since = "0.1")
public final class Nearest {
  private Nearest() {
  }

  /** Returns the known name with the smallest edit distance, of those that differ by at most half; or empty. */
  public static Optional<String> of(String wanted, Collection<String> known) {
    String lower = wanted.toLowerCase(Locale.ROOT);
    return known.stream()
        .filter(name -> distance(lower, name.toLowerCase(Locale.ROOT)) * 2 <= name.length())
        .min(Comparator.comparingInt(name -> distance(lower, name.toLowerCase(Locale.ROOT))));
  }

  /** Returns the known name that may have been meant, as a question in brackets to stand in a message; or "". */
  public static String question(String wanted, Collection<String> known) {
    return of(wanted, known).map(Nearest::question).orElse("");
  }

  /** Returns the question whether a name was meant, in brackets to stand in a message. */
  public static String question(String meant) {
    return " (did you mean \"" + meant + "\"?)";
  }

  /** Counts the insertions, deletions and replacements between two texts (Levenshtein 1966). */
  static int distance(String a, String b) {
    int[] row = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      row[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int replaced = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(replaced, 1 + Math.min(row[j], row[j - 1]));
      }
    }
    return row[b.length()];
  }
}
