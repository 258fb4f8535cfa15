package dev.graft.core.train;

import dev.graft.core.StepReport;
import dev.graft.error.GraftException;
import dev.graft.formats.Json;
import java.io.IOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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
   * @throws GraftException if the file cannot be read or written
   */
  public static RunLog open(Path file, long lastStep) {
    try {
      List<String> kept = new ArrayList<>();
      if (lastStep > 0 && Files.exists(file)) {
        for (String line : Files.readAllLines(file)) {
          Map<String, @Nullable Object> fields = read(line, file);
          if (fields.get(STEP) instanceof Long step && step <= lastStep) {
            kept.add(line);
          }
        }
      }
      Path draft = file.resolveSibling("." + file.getFileName() + ".tmp");
      Files.write(draft, kept);
      Files.move(draft, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      return new RunLog(file, Files.newBufferedWriter(file, StandardOpenOption.APPEND));
    } catch (IOException e) {
      throw new GraftException("The log " + file + " cannot be written: " + e.getMessage(), e);
    }
  }

  /** Reads the losses that a log holds; an unfinished last line is passed over. */
  public static Curves read(Path file) {
    List<Point> training = new ArrayList<>();
    List<Point> validation = new ArrayList<>();
    try {
      for (String line : Files.readAllLines(file)) {
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
    } catch (IOException e) {
      throw new GraftException("The log " + file + " cannot be read: " + e.getMessage(), e);
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
