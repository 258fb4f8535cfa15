package dev.graft.core.train;

import dev.graft.core.StepReport;
import dev.graft.error.GraftException;
import dev.graft.formats.Json;
import dev.graft.formats.TextFile;
import java.io.IOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.LongStream;
import org.apiguardian.api.API;
import org.jspecify.annotations.Nullable;

/** Writes and reads a run's log: one JSON object a line, for each step and each evaluation. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class RunLog implements AutoCloseable {
  private static final String STEP = "step";
  private static final String LOSS = "loss";
  private static final String VALIDATION_LOSS = "validation_loss";

  private final Path file;
  private final Writer out;

  /**
   * One measured loss.
   *
   * @param step steps done when it was measured
   * @param loss mean over the label tokens
   */
  public record Point(long step, double loss) {}

  /**
   * The losses of a run.
   *
   * @param training of every step
   * @param validation of every evaluation
   */
  public record Curves(List<Point> training, List<Point> validation) {}

  private RunLog(Path file, Writer out) {
    this.file = file;
    this.out = out;
  }

  /**
   * Opens a log to go on after a step: what an earlier run wrote of later steps is dropped.
   *
   * @param lastStep 0 to begin a new log
   * @param notice told if lines of earlier steps are missing
   * @throws GraftException if the file cannot be read or written
   */
  public static RunLog open(Path file, long lastStep, Consumer<String> notice) {
    List<String> kept = new ArrayList<>();
    if (lastStep > 0) {
      Set<Long> found = new HashSet<>();
      for (String line : Files.exists(file) ? lines(file) : List.<String>of()) {
        Map<String, @Nullable Object> fields = read(line, file);
        if (fields.get(STEP) instanceof Long step && step <= lastStep) {
          kept.add(line);
          if (fields.containsKey(LOSS)) {
            found.add(step);
          }
        }
      }
      missing(found, lastStep).ifPresent(steps -> notice.accept("The log " + file + " has lost its lines of "
          + steps + "; the run itself has not"));
    }
    TextFile.replace(file, String.join("", kept.stream().map(line -> line + "\n").toList()));
    try {
      return new RunLog(file, Files.newBufferedWriter(file, StandardOpenOption.APPEND));
    } catch (IOException e) {
      throw new GraftException("The log " + file + " cannot be written: " + e.getMessage(), e);
    }
  }

  private static Optional<String> missing(Set<Long> found, long lastStep) {
    List<Long> missing = LongStream.rangeClosed(1, lastStep).filter(step -> !found.contains(step)).boxed()
        .toList();
    return switch (missing.size()) {
      case 0 -> Optional.empty();
      case 1 -> Optional.of("step " + missing.getFirst());
      default -> Optional.of(missing.size() + " steps, from step " + missing.getFirst() + " on");
    };
  }

  private static List<String> lines(Path file) {
    try {
      // What a crash has left need not be text, so this must not fail on it.
      return new String(Files.readAllBytes(file), StandardCharsets.UTF_8).lines().toList();
    } catch (IOException e) {
      throw new GraftException("The log " + file + " cannot be read: " + e.getMessage(), e);
    }
  }

  /** Reads the losses that a log holds; an unfinished last line is passed over. */
  public static Curves read(Path file) {
    List<Point> training = new ArrayList<>();
    List<Point> validation = new ArrayList<>();
    for (String line : lines(file)) {
      Map<String, @Nullable Object> fields = read(line, file);
      if (fields.get(STEP) instanceof Long step) {
        if (fields.get(LOSS) instanceof Number loss) {
          training.add(new Point(step, loss.doubleValue()));
        }
        if (fields.get(VALIDATION_LOSS) instanceof Number loss) {
          validation.add(new Point(step, loss.doubleValue()));
        }
      }
    }
    return new Curves(List.copyOf(training), List.copyOf(validation));
  }

  /** Reads a line; one that a killed process left unfinished has no fields. */
  private static Map<String, @Nullable Object> read(String line, Path file) {
    try {
      return Json.object(line, file.toString());
    } catch (GraftException e) {
      return Map.of();
    }
  }

  /** Writes a step's line. */
  public void step(StepReport report) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put(STEP, report.step());
    fields.put(LOSS, report.loss());
    fields.put("gradient_norm", report.gradientNorm());
    fields.put("learning_rate", report.learningRate());
    fields.put("tokens", report.tokens());
    fields.put("seconds", report.seconds());
    fields.put("tokens_per_second", report.tokensPerSecond());
    fields.put("planned_bytes", report.plannedBytes());
    write(fields);
  }

  /** Writes an evaluation's line. */
  public void evaluation(long step, double loss) {
    write(Map.of(STEP, step, VALIDATION_LOSS, loss));
  }

  /** Writes a line about something that is worth knowing after a step. */
  public void notice(long step, String message) {
    write(Map.of(STEP, step, "notice", message));
  }

  private void write(Map<String, Object> fields) {
    try {
      out.write(Json.formatLine(fields) + "\n");
      out.flush();
    } catch (IOException e) {
      throw new GraftException("The log " + file + " cannot be written: " + e.getMessage(), e);
    }
  }

  /** Closes the file. */
  @Override
  public void close() {
    try {
      out.close();
    } catch (IOException e) {
      throw new GraftException("The log " + file + " cannot be written: " + e.getMessage(), e);
    }
  }
}
