package dev.graft.backend.djl;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Names the sizes of a script, which are handed to its function: graphs that differ in sizes alone, as those of
 * batches of several lengths do, have the same code, and PyTorch reads and prepares it once.
 */
final class ScriptSizes {
  /** Smaller numbers are rather counts of heads or of parts than lengths. */
  private static final long LEAST = 10;

  private final Map<Long, String> names = new LinkedHashMap<>();

  /** Returns the expression of a number: a name, or itself if it is small. */
  String expression(long number) {
    if (number == Long.MIN_VALUE || Math.abs(number) < LEAST) {
      return Long.toString(number);
    }
    String name = names.computeIfAbsent(Math.abs(number), _ -> name(names.size()));
    return number < 0 ? "-" + name : name;
  }

  /** Returns what the function takes for the names, in their order. */
  List<Long> values() {
    return List.copyOf(names.keySet());
  }

  /** Writes the line that takes the sizes apart; it is empty if there are none. */
  String unpacking() {
    return names.isEmpty()
        ? ""
        : IntStream.range(0, names.size()).mapToObj(ScriptSizes::name).collect(Collectors.joining(", "))
            + ", = sizes";
  }

  private static String name(int size) {
    return "n" + size;
  }
}
