package dev.graft.backend.cuda;

import dev.graft.error.GraftException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Writes how long the steps of a program take, those of one kind together, the longest first. */
final class Profile {
  /** Environment variable that names the file; lines are added to it. */
  static final String SETTING = "GRAFT_CUDA_PROFILE";
  /** The run of a program that is timed: kernels are loaded by then. */
  static final int RUN = 3;

  private record Total(int count, double millis) {
    Total plus(float more) {
      return new Total(count + 1, millis + more);
    }
  }

  private Profile() {
  }

  static void write(Path file, String graph, Plan plan, List<Float> times) {
    Map<String, Total> totals = new LinkedHashMap<>();
    double sum = 0;
    for (int i = 0; i < times.size(); i++) {
      String kind = kind(plan.steps().get(i).step());
      totals.put(kind, totals.getOrDefault(kind, new Total(0, 0)).plus(times.get(i)));
      sum += times.get(i);
    }
    List<String> lines = new ArrayList<>();
    lines.add(String.format(Locale.ROOT, "%s: %d steps, %.2f ms, arena %d MiB", graph, times.size(), sum,
        plan.workBytes() >> 20));
    totals.entrySet().stream()
        .sorted((a, b) -> Double.compare(b.getValue().millis(), a.getValue().millis()))
        .forEach(entry -> lines.add(String.format(Locale.ROOT, "%9.3f ms %6d x %8.4f  %s",
            entry.getValue().millis(), entry.getValue().count(),
            entry.getValue().millis() / entry.getValue().count(), entry.getKey())));
    try {
      Files.write(file, lines, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    } catch (IOException e) {
      throw new GraftException("The profile cannot be written to " + file + ": " + e.getMessage(), e);
    }
  }

  private static String kind(Step step) {
    return switch (step) {
      case Step.Kernel kernel -> kernel.function() + " " + Integer.toHexString(kernel.source().hashCode())
          + " grid " + kernel.gridX() + "x" + kernel.gridY();
      case Step.Product product -> "product " + product.shape();
      case Step.AttentionStep attention -> "attention " + attention.shape();
      case Step.Clear clear -> "clear " + clear.bytes();
    };
  }
}
