package dev.graft.cli;

import dev.graft.core.PluginCatalog;
import dev.graft.core.RunOptions;
import dev.graft.core.TrainingOptions;
import dev.graft.error.GraftException;
import dev.graft.error.Nearest;
import dev.graft.spi.Configuration;
import dev.graft.spi.SessionOptions;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/** Holds all settings of a training run, defaults included. */
final class Recipe {
  /** Longest sequence in tokens, if the recipe does not say. */
  static final int LENGTH = 512;
  /** A step's samples are all in memory at once. */
  private static final long MAX_STEP_SAMPLES = 1 << 16;

  private final Map<RecipeKey<?>, Object> values;

  private Recipe(Map<RecipeKey<?>, Object> values) {
    this.values = values;
  }

  /**
   * Reads a recipe.
   *
   * @throws GraftException with every fault: unknown keys, values of the wrong kind, files that are missing
   */
  static Recipe read(Configuration json, PluginCatalog plugins) {
    List<String> names = RecipeKeys.ALL.stream().map(RecipeKey::name).toList();
    for (String name : json.values().keySet()) {
      if (!names.contains(name)) {
        json.fault(name, "is no setting" + RenamedOptions.of(name).map(Nearest::question)
            .orElseGet(() -> Nearest.question(name, names)));
      }
    }
    Map<RecipeKey<?>, Object> values = new LinkedHashMap<>();
    for (RecipeKey<?> key : RecipeKeys.ALL) {
      values.put(key, key.reader().apply(new RecipeField(key.name(), json, plugins)));
    }
    Recipe recipe = new Recipe(values);
    recipe.checkTogether(json);
    json.finish();
    return recipe;
  }

  /** Adds the faults of settings that do not go together. */
  private void checkTogether(Configuration json) {
    columns().check(json);
    if (of(RecipeKeys.ADAPTER).isPresent() && !methodSettings().isEmpty()) {
      json.fault(RecipeKeys.ADAPTER.name(),
          "has its own settings, so leave out " + String.join(", ", methodSettings().keySet()));
    }
    if (of(RecipeKeys.STEPS).isPresent() && json.has(RecipeKeys.EPOCHS.name())) {
      json.fault(RecipeKeys.EPOCHS.name(), "and \"" + RecipeKeys.STEPS.name() + "\" cannot both be given");
    }
    if (stepSamples() > MAX_STEP_SAMPLES) {
      json.fault(RecipeKeys.BATCH.name(), "times \"" + RecipeKeys.ACCUMULATION.name() + "\" must be at most "
          + MAX_STEP_SAMPLES + " samples a step, not " + stepSamples());
    }
  }

  /** Returns the value of a setting. */
  @SuppressWarnings("unchecked") // a key's value is what its own reader has returned
  <T> T of(RecipeKey<T> key) {
    return (T) Objects.requireNonNull(values.get(key), key.name());
  }

  /** Returns every setting by its name, paths made absolute, so that the run can be repeated from anywhere. */
  Map<String, Object> values() {
    Map<String, Object> written = new LinkedHashMap<>();
    RecipeKeys.ALL.forEach(key -> written(key).ifPresent(value -> written.put(key.name(), value)));
    if (of(RecipeKeys.STEPS).isPresent()) {
      written.remove(RecipeKeys.EPOCHS.name());
    }
    return written;
  }

  private <T> Optional<Object> written(RecipeKey<T> key) {
    return key.writer().apply(of(key));
  }

  /** Returns which fields of the data's rows hold what. */
  DataColumns columns() {
    Map<String, String> names = new LinkedHashMap<>();
    DataColumns.KEYS.forEach(key -> of(key).ifPresent(name -> names.put(key.name(), name)));
    return new DataColumns(names);
  }

  /** Returns the settings of a new adapter's method that are given, by their names in a recipe. */
  Map<String, Object> methodSettings() {
    Map<String, Object> settings = new LinkedHashMap<>();
    RecipeKeys.METHOD_SETTINGS.forEach(key -> of(key).ifPresent(value -> settings.put(key.name(), value)));
    return settings;
  }

  /** Returns what the run leaves on disk. */
  RunOptions files() {
    return new RunOptions(folder(), of(RecipeKeys.SAVE_EVERY), of(RecipeKeys.KEEP),
        of(RecipeKeys.EVALUATE_EVERY));
  }

  /** Returns the run's folder. */
  Path folder() {
    return of(RecipeKeys.OUT);
  }

  /** Returns how the backend is to run. */
  SessionOptions session() {
    return DeviceFlags.session(of(RecipeKeys.THREADS), of(RecipeKeys.DEVICE), of(RecipeKeys.MEMORY));
  }

  /** Returns the samples of a step. */
  long stepSamples() {
    return (long) of(RecipeKeys.BATCH) * of(RecipeKeys.ACCUMULATION);
  }

  /** Returns the longest sequence in tokens for a model of so many positions. */
  int length(long positions) {
    return of(RecipeKeys.MAX_LENGTH).orElseGet(() -> (int) Math.min(LENGTH, positions));
  }

  /**
   * Returns the options of the trainer.
   *
   * @param perEpoch steps that the data has
   */
  TrainingOptions training(long perEpoch) {
    long steps = of(RecipeKeys.STEPS).orElseGet(() -> stepsOfEpochs(perEpoch));
    double warmup = of(RecipeKeys.WARMUP);
    long rising = Math.min(steps, warmup < 1 ? Math.round(warmup * steps) : (long) warmup);
    return TrainingOptions.of(steps, of(RecipeKeys.LEARNING_RATE)).withSchedule(of(RecipeKeys.SCHEDULE))
        .withWarmup(rising).withWeightDecay(of(RecipeKeys.WEIGHT_DECAY))
        .withMaxGradNorm(of(RecipeKeys.MAX_GRAD_NORM))
        .withGradientCheckpointing(of(RecipeKeys.GRADIENT_CHECKPOINTING)).withSeed(of(RecipeKeys.SEED));
  }

  private long stepsOfEpochs(long perEpoch) {
    double epochs = of(RecipeKeys.EPOCHS);
    double steps = Math.max(1, Math.ceil(epochs * perEpoch));
    if (steps > Integer.MAX_VALUE) {
      throw new GraftException(
          "epochs: " + epochs + " times the " + perEpoch + " steps of an epoch are more than "
              + Integer.MAX_VALUE + " steps; give fewer");
    }
    return (long) steps;
  }
}
