package dev.graft.backend.djl;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Holds a function's body without its sizes, which are handed in: graphs that differ in sizes alone, as those
 * of batches of several lengths do, have the same code, and PyTorch reads and prepares it once.
 *
 * @param lines of the body
 * @param sizes what the body takes for them
 */
record SizedCode(List<String> lines, List<Long> sizes) {
  /** A whole number of two digits or more that is no part of a name or a fraction and no index of an argument. */
  private static final Pattern SIZE = Pattern
      .compile("(?<![\\w.]|[eE][-+]|feeds\\[|variables\\[|constants\\[)\\d{2,18}(?![\\w.])");

  static SizedCode of(List<String> body) {
    Map<String, String> names = new LinkedHashMap<>();
    List<String> lines = body.stream().map(line -> SIZE.matcher(line)
        .replaceAll(size -> names.computeIfAbsent(size.group(), _ -> name(names.size())))).toList();
    return new SizedCode(lines, names.keySet().stream().map(Long::valueOf).toList());
  }

  private static String name(int size) {
    return "n" + size;
  }

  /** Writes the line that takes the sizes apart; it is empty if there are none. */
  String unpacking() {
    return sizes.isEmpty()
        ? ""
        : IntStream.range(0, sizes.size()).mapToObj(SizedCode::name).collect(Collectors.joining(", "))
            + ", = sizes";
  }
}
