package dev.graft.cli;

import dev.graft.core.PluginCatalog;
import dev.graft.core.RunOptions;
import dev.graft.core.Schedule;
import dev.graft.core.TrainingOptions;
import dev.graft.error.GraftException;
import dev.graft.error.Nearest;
import dev.graft.graph.DType;
import dev.graft.spi.Configuration;
import dev.graft.spi.SessionOptions;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * Holds all settings of a training run, defaults included.
 *
 * @param model the base model's folder
 * @param data files to learn from
 * @param validation files to measure on; may be empty
 * @param columns which fields of their rows hold what
 * @param method id of the method
 * @param adapter an adapter to go on with instead of a new one
 * @param settings the method's, by the short names of a recipe
 * @param steps optimiser steps; empty to count epochs
 * @param epochs how often the data is gone through
 * @param batch sequences of a batch
 * @param accumulation batches that make a step
 * @param learningRate the highest rate
 * @param schedule how the rate changes
 * @param warmup steps over which the rate rises, or below 1 their share of all
 * @param weightDecay decoupled weight decay
 * @param maxGradNorm largest norm of the gradients, 0 for no limit
 * @param maxLength longest sequence in tokens; empty for 512, or what the model has positions for
 * @param computeType type of activations and frozen weights
 * @param backend id of the backend; empty for the best
 * @param threads threads for one operation, 0 for all
 * @param gradientCheckpointing whether blocks are computed again in the backward pass
 * @param seed of initialisation, dropout and the order of the data
 * @param raw whether the model's chat template is left out
 * @param files what the run leaves on disk
 * @param device the backend's name of a device; empty for its choice
 * @param memory most bytes of the device's memory to take; empty for what is free
 */
record Recipe(Path model, List<Path> data, List<Path> validation, DataColumns columns, String method,
    Optional<Path> adapter, Map<String, Object> settings, Optional<Long> steps, double epochs, int batch,
    int accumulation,
    double learningRate, Schedule schedule, double warmup, double weightDecay,
    double maxGradNorm, Optional<Integer> maxLength,
    DType computeType, Optional<String> backend, int threads, boolean gradientCheckpointing, long seed,
    boolean raw, RunOptions files, Optional<String> device, Optional<Long> memory) {

  private static final int LENGTH = 512;
  /** A step's samples are all in memory at once. */
  private static final long MAX_STEP_SAMPLES = 1 << 16;
  private static final int FEW_THREADS = 64;
  private static final List<String> METHOD_KEYS = List.of("rank", "alpha", "dropout", "targets", "set");
  private static final List<String> KEYS = List.of("model", "data", "valid", "prompt-column",
      "completion-column", "messages-column", "text-column", "method", "adapter", "rank",
      "alpha", "dropout", "targets", "set", "steps", "epochs", "batch", "accumulation", "lr", "schedule",
      "warmup", "weight-decay", "max-grad-norm", "max-length", "dtype", "backend", "threads",
      "gradient-checkpointing", "seed",
      "raw", "out", "save-every", "keep", "eval-every", DeviceFlags.DEVICE, DeviceFlags.MEMORY);

  /**
   * Reads a recipe.
   *
   * @throws GraftException with every fault: unknown keys, values of the wrong kind, files that are missing
   */
  static Recipe read(Configuration json, PluginCatalog plugins) {
    for (String key : json.values().keySet()) {
      if (!KEYS.contains(key)) {
        json.fault(key, "is no setting" + RenamedOptions.of(key).or(() -> Nearest.of(key, KEYS))
            .map(near -> " (did you mean \"" + near + "\"?)").orElse(""));
      }
    }
    String model = json.text("model", "");
    if (model.isEmpty()) {
      json.fault("model", "is missing: give the folder of the base model");
    } else {
      path(json, "model", model).ifPresent(folder -> exists(json, "model", List.of(folder)));
    }
    List<Path> data = paths(json, "data");
    if (data.isEmpty()) {
      json.fault("data", "is missing: give one or more files of samples, such as train.jsonl");
    }
    exists(json, "data", data);
    List<Path> validation = paths(json, "valid");
    exists(json, "valid", validation);
    DataColumns columns = DataColumns.read(json);
    String method = json.text("method", "lora");
    known(json, "method", method, plugins.methods().keySet());
    Optional<Path> adapter = json.optionalText("adapter").flatMap(text -> path(json, "adapter", text));
    adapter.ifPresent(path -> exists(json, "adapter", List.of(path)));
    Map<String, Object> settings = new LinkedHashMap<>();
    METHOD_KEYS.forEach(key -> json.value(key).ifPresent(value -> settings.put(key, value)));
    if (adapter.isPresent() && !settings.isEmpty()) {
      json.fault("adapter", "has its own settings, so leave out " + String.join(", ", settings.keySet()));
    }
    Optional<Long> steps = json.optionalInteger("steps");
    steps.ifPresent(count -> atLeast(json, "steps", count, 1));
    if (steps.isPresent() && json.has("epochs")) {
      json.fault("epochs", "and \"steps\" cannot both be given");
    }
    double epochs = above(json, "epochs", json.number("epochs", 1), 0);
    long batch = atLeast(json, "batch", json.integer("batch", 8), 1);
    long accumulation = atLeast(json, "accumulation", json.integer("accumulation", 1), 1);
    if (batch * accumulation > MAX_STEP_SAMPLES) {
      json.fault("batch",
          "times \"accumulation\" must be at most " + MAX_STEP_SAMPLES + " samples a step, not "
              + batch * accumulation);
    }
    double rate = above(json, "lr", json.number("lr", 2e-4), 0);
    Schedule schedule = schedule(json);
    double warmup = json.number("warmup", 0);
    if (!(warmup >= 0 && warmup <= Integer.MAX_VALUE) || warmup >= 1 && warmup != Math.rint(warmup)) {
      json.fault("warmup", "must be a number of steps, or below 1 their share of all, not " + warmup);
    }
    double weightDecay = notBelow(json, "weight-decay", json.number("weight-decay", 0));
    double maxGradNorm = notBelow(json, "max-grad-norm", json.number("max-grad-norm", 1));
    Optional<Integer> maxLength = json.optionalInteger("max-length")
        .map(length -> Math.toIntExact(atLeast(json, "max-length", length, 2)));
    DType type = ComputeTypes.find(json.text("dtype", "f32")).orElseGet(() -> {
      json.fault("dtype", ComputeTypes.fault(json.text("dtype", "")));
      return DType.F32;
    });
    Optional<String> backend = json.optionalText("backend");
    backend.ifPresent(id -> known(json, "backend", id, plugins.backends().keySet()));
    long threads = between(json, "threads", json.integer("threads", 0), 0, maxThreads());
    boolean gradientCheckpointing = json.flag("gradient-checkpointing", false);
    long seed = json.integer("seed", 0);
    boolean raw = json.flag("raw", false);
    long saveEvery = atLeast(json, "save-every", json.integer("save-every", 100), 0);
    long keep = atLeast(json, "keep", json.integer("keep", 2), 1);
    long evaluateEvery = atLeast(json, "eval-every", json.integer("eval-every", 0), 0);
    String out = json.text("out", "");
    if (out.isEmpty()) {
      json.fault("out", "is missing: give the folder that the adapter goes to");
    } else {
      path(json, "out", out);
    }
    Optional<String> device = json.optionalText(DeviceFlags.DEVICE);
    Optional<Long> memory = json.value(DeviceFlags.MEMORY).flatMap(size -> {
      Optional<Long> bytes = DeviceFlags.bytes(String.valueOf(size));
      if (bytes.isEmpty()) {
        json.fault(DeviceFlags.MEMORY, "must be a size such as 6g, 800m or a number of bytes, not " + size);
      }
      return bytes;
    });
    json.finish();
    return new Recipe(Path.of(model), data, validation, columns, method, adapter, settings, steps, epochs,
        Math.toIntExact(batch), Math.toIntExact(accumulation), rate, schedule, warmup, weightDecay,
        maxGradNorm,
        maxLength, type, backend, Math.toIntExact(threads), gradientCheckpointing, seed,
        raw,
        new RunOptions(Path.of(out), saveEvery, Math.toIntExact(keep), evaluateEvery), device, memory);
  }

  /** Returns a text as a path; adds a fault if it cannot be one on this system. */
  private static Optional<Path> path(Configuration json, String key, String text) {
    try {
      return Optional.of(Path.of(text));
    } catch (InvalidPathException e) {
      json.fault(key, FaultReport.describe(e));
      return Optional.empty();
    }
  }

  private static List<Path> paths(Configuration json, String key) {
    return json.texts(key).stream().flatMap(text -> path(json, key, text).stream()).toList();
  }

  private static void exists(Configuration json, String key, List<Path> files) {
    for (Path file : files) {
      if (Files.notExists(file)) {
        json.fault(key, "names " + file + ", which does not exist");
      }
    }
  }

  private static void known(Configuration json, String key, String id, Collection<String> known) {
    if (!known.contains(id)) {
      json.fault(key, "names \"" + id + "\", which is not installed"
          + Nearest.of(id, known).map(near -> " (did you mean \"" + near + "\"?)").orElse("")
          + ". Installed: " + String.join(", ", known));
    }
  }

  private static long atLeast(Configuration json, String key, long value, long least) {
    return between(json, key, value, least, Integer.MAX_VALUE);
  }

  private static long between(Configuration json, String key, long value, long least, long most) {
    if (value < least) {
      json.fault(key, "must be " + least + " or more, not " + value);
      return least;
    }
    if (value > most) {
      json.fault(key, "must be " + most + " or less, not " + value);
      return least;
    }
    return value;
  }

  /** More threads than that only wait for each other. */
  private static int maxThreads() {
    return Math.max(FEW_THREADS, 4 * Runtime.getRuntime().availableProcessors());
  }

  private static double above(Configuration json, String key, double value, double limit) {
    if (!(value > limit) || Double.isInfinite(value)) {
      json.fault(key, "must be above " + (long) limit + " and finite, not " + value);
    }
    return value;
  }

  private static double notBelow(Configuration json, String key, double value) {
    if (!(value >= 0) || Double.isInfinite(value)) {
      json.fault(key, "must be 0 or more and finite, not " + value);
    }
    return value;
  }

  private static Schedule schedule(Configuration json) {
    String name = json.text("schedule", "linear");
    return Schedule.named(name).orElseGet(() -> {
      json.fault("schedule", "must be constant, linear or cosine, not \"" + name + "\""
          + Nearest.question(name, List.of("constant", "linear", "cosine")));
      return Schedule.LINEAR;
    });
  }

  /** Returns every setting by its key, paths made absolute, so that the run can be repeated from anywhere. */
  Map<String, Object> values() {
    Map<String, Object> values = new LinkedHashMap<>();
    values.put("model", absolute(model));
    values.put("data", data.stream().map(Recipe::absolute).toList());
    if (!validation.isEmpty()) {
      values.put("valid", validation.stream().map(Recipe::absolute).toList());
    }
    values.putAll(columns.names());
    values.put("method", method);
    adapter.ifPresent(path -> values.put("adapter", absolute(path)));
    values.putAll(settings);
    steps.ifPresentOrElse(count -> values.put("steps", count), () -> values.put("epochs", epochs));
    values.put("batch", batch);
    values.put("accumulation", accumulation);
    values.put("lr", learningRate);
    values.put("schedule", schedule.name().toLowerCase(Locale.ROOT));
    values.put("warmup", warmup);
    values.put("weight-decay", weightDecay);
    values.put("max-grad-norm", maxGradNorm);
    maxLength.ifPresent(length -> values.put("max-length", length));
    values.put("dtype", computeType.name().toLowerCase(Locale.ROOT));
    backend.ifPresent(id -> values.put("backend", id));
    values.put("threads", threads);
    values.put("gradient-checkpointing", gradientCheckpointing);
    values.put("seed", seed);
    values.put("raw", raw);
    values.put("out", absolute(files.folder()));
    values.put("save-every", files.saveEvery());
    values.put("keep", files.keep());
    values.put("eval-every", files.evaluateEvery());
    device.ifPresent(name -> values.put(DeviceFlags.DEVICE, name));
    memory.ifPresent(bytes -> values.put(DeviceFlags.MEMORY, bytes));
    return values;
  }

  /** Returns how the backend is to run. */
  SessionOptions session() {
    return DeviceFlags.session(threads, device, memory);
  }

  private static String absolute(Path path) {
    return path.toAbsolutePath().normalize().toString();
  }

  /** Returns the longest sequence in tokens for a model of so many positions. */
  int length(long positions) {
    return maxLength.orElseGet(() -> (int) Math.min(LENGTH, positions));
  }

  /**
   * Returns the options of the trainer.
   *
   * @param perEpoch steps that the data has
   */
  TrainingOptions training(long perEpoch) {
    double counted = Math.max(1, Math.ceil(epochs * perEpoch));
    if (steps.isEmpty() && counted > Integer.MAX_VALUE) {
      throw new GraftException(
          "epochs: " + epochs + " times the " + perEpoch + " steps of an epoch are more than "
              + Integer.MAX_VALUE + " steps; give fewer");
    }
    long count = steps.orElseGet(() -> (long) counted);
    long rising = Math.min(count, warmup < 1 ? Math.round(warmup * count) : (long) warmup);
    return TrainingOptions.of(count, learningRate).withSchedule(schedule).withWarmup(rising)
        .withWeightDecay(weightDecay).withMaxGradNorm(maxGradNorm)
        .withGradientCheckpointing(gradientCheckpointing).withSeed(seed);
  }
}
