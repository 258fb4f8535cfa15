package dev.graft.cli;

import static dev.graft.cli.RecipeKey.of;
import static dev.graft.cli.RecipeKey.optional;
import static dev.graft.cli.RecipeKey.shared;

import dev.graft.core.Schedule;
import dev.graft.error.Nearest;
import dev.graft.graph.DType;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/** Lists the settings of a training run. */
final class RecipeKeys {
  static final RecipeKey<Path> MODEL = of("model", String.class, "DIR",
      "Folder of the base model, as Hugging Face has it.", field -> {
        Path folder = field.requiredPath("is missing: give the folder of the base model");
        field.requireExists(folder);
        return folder;
      }, path -> Optional.of(RecipeKey.absolute(path)));

  static final RecipeKey<List<Path>> DATA = files("data",
      "Samples to learn from: .jsonl, .jsonl.gz or .json; may be repeated. Their shape is recognised by the usual"
          + " names of fields; the columns below are for other names.",
      "is missing: give one or more files of samples, such as train.jsonl");

  static final RecipeKey<List<Path>> VALIDATION = files("valid",
      "Samples to measure the loss on; may be repeated.", "");

  static final RecipeKey<Optional<String>> PROMPT_COLUMN = column("prompt-column",
      "Field that holds the prompt; the completion is in --completion-column, or in 'completion'.");

  static final RecipeKey<Optional<String>> COMPLETION_COLUMN = column("completion-column",
      "Field that holds the completion; the prompt is in --prompt-column, or in 'prompt'.");

  static final RecipeKey<Optional<String>> MESSAGES_COLUMN = column("messages-column",
      "Field that holds a conversation: messages of role and content, or of from and value.");

  static final RecipeKey<Optional<String>> TEXT_COLUMN = column("text-column",
      "Field that holds a whole text to learn.");

  static final RecipeKey<String> METHOD = of("method", String.class, "ID",
      "Method (default: lora); 'graft plugins' lists them.", field -> {
        String id = field.recipe().text(field.key(), "lora");
        field.requireInstalled(id, field.plugins().methods().keySet());
        return id;
      });

  static final RecipeKey<Optional<Path>> ADAPTER = of("adapter", String.class, "DIR",
      "Train an existing adapter further instead of a new one.", field -> {
        Optional<Path> folder = field.path();
        folder.ifPresent(field::requireExists);
        return folder;
      }, path -> path.map(RecipeKey::absolute));

  /** The settings of the method, which checks them itself. */
  static final List<RecipeKey<Optional<Object>>> METHOD_SETTINGS = MethodFlags.NAMES.stream()
      .map(name -> RecipeKey.<Object>shared(name, MethodFlags::new, field -> field.recipe().value(name)))
      .toList();

  static final RecipeKey<Optional<Long>> STEPS = optional("steps", Long.class, "N", "Optimiser steps.",
      field -> field.recipe().optionalInteger(field.key())
          .map(count -> field.between(count, 1, Integer.MAX_VALUE)))
      .freeWhenResumed();

  static final RecipeKey<Double> EPOCHS = of("epochs", Double.class, "X",
      "Times to go through the data, instead of steps (default: 1).", field -> field.positive(1))
      .freeWhenResumed();

  static final RecipeKey<Integer> BATCH = count("batch", 8, 1, "Samples of a batch");

  static final RecipeKey<Integer> ACCUMULATION = count("accumulation", 1, 1, "Batches that make a step");

  static final RecipeKey<Double> LEARNING_RATE = of("lr", Double.class, "X",
      "Highest learning rate (default: 2e-4).", field -> field.positive(2e-4)).freeWhenResumed();

  static final RecipeKey<Schedule> SCHEDULE = of("schedule", String.class, "NAME",
      "How the rate falls: constant, linear or cosine (default: linear).", RecipeKeys::schedule,
      RecipeKeys::lowerCase);

  static final RecipeKey<Double> WARMUP = of("warmup", Double.class, "X",
      "Steps over which the rate rises, or below 1 their share (default: 0).", RecipeKeys::warmup);

  static final RecipeKey<Double> WEIGHT_DECAY = of("weight-decay", Double.class, "X",
      "AdamW's decoupled weight decay (default: 0).", field -> field.notNegative(0));

  static final RecipeKey<Double> MAX_GRAD_NORM = of("max-grad-norm", Double.class, "X",
      "Largest norm of the gradients, 0 for no limit (default: 1).", field -> field.notNegative(1));

  static final RecipeKey<Optional<Integer>> MAX_LENGTH = optional("max-length", Long.class, "N",
      "Longest sample in tokens (default: " + Recipe.LENGTH + ", or what the model has positions for).",
      field -> field.recipe().optionalInteger(field.key())
          .map(length -> Math.toIntExact(field.between(length, 2, Integer.MAX_VALUE))));

  static final RecipeKey<DType> COMPUTE_TYPE = of("dtype", String.class, "TYPE",
      "Compute type: f32, bf16, f16 or f64 (default: f32).", RecipeKeys::computeType, RecipeKeys::lowerCase);

  static final RecipeKey<Optional<String>> BACKEND = optional("backend", String.class, "ID",
      "Backend (default: the best available).", field -> {
        Optional<String> id = field.recipe().optionalText(field.key());
        id.ifPresent(name -> field.requireInstalled(name, field.plugins().backends().keySet()));
        return id;
      });

  static final RecipeKey<Integer> THREADS = count("threads",
      "Threads for one operation (default: all processors).",
      0, 0, maxThreads()).freeWhenResumed();

  static final RecipeKey<Optional<String>> DEVICE = shared(DeviceFlags.DEVICE, DeviceFlags::new,
      field -> field.recipe().optionalText(field.key()));

  static final RecipeKey<Optional<Long>> MEMORY = shared(DeviceFlags.MEMORY, DeviceFlags::new,
      RecipeKeys::bytes);

  static final RecipeKey<Boolean> GRADIENT_CHECKPOINTING = of("gradient-checkpointing", Boolean.class, "",
      "Compute blocks again in the backward pass instead of keeping their values: less memory, more time.",
      field -> field.recipe().flag(field.key(), false)).freeWhenResumed();

  static final RecipeKey<Long> SEED = of("seed", Long.class, "N",
      "Seed of initialisation, dropout and the order of the data (default: 0).",
      field -> field.recipe().integer(field.key(), 0));

  static final RecipeKey<Boolean> RAW = of("raw", Boolean.class, "", "Do not use the model's chat template.",
      field -> field.recipe().flag(field.key(), false));

  static final RecipeKey<Path> OUT = of("out", String.class, "DIR",
      "Folder for the adapter, the log and the checkpoints (default: a new one in graft-runs).",
      field -> field.requiredPath("is missing: give the folder that the adapter goes to"),
      path -> Optional.<Object>of(RecipeKey.absolute(path))).freeWhenResumed();

  static final RecipeKey<Integer> SAVE_EVERY = count("save-every", 100, 0,
      "Steps between checkpoints, 0 for none")
      .freeWhenResumed();

  static final RecipeKey<Integer> KEEP = count("keep", 2, 1, "How many checkpoints stay").freeWhenResumed();

  static final RecipeKey<Integer> EVALUATE_EVERY = count("eval-every", 0, 0,
      "Steps between evaluations; 0 for the start and the end").freeWhenResumed();

  /** All settings, in the order of the help and of a recipe. */
  static final List<RecipeKey<?>> ALL = Stream.of(
      List.of(MODEL, DATA, VALIDATION, PROMPT_COLUMN, COMPLETION_COLUMN, MESSAGES_COLUMN, TEXT_COLUMN, METHOD,
          ADAPTER),
      METHOD_SETTINGS,
      List.of(STEPS, EPOCHS, BATCH, ACCUMULATION, LEARNING_RATE, SCHEDULE, WARMUP, WEIGHT_DECAY,
          MAX_GRAD_NORM,
          MAX_LENGTH, COMPUTE_TYPE, BACKEND, THREADS, DEVICE, MEMORY, GRADIENT_CHECKPOINTING, SEED, RAW, OUT,
          SAVE_EVERY, KEEP, EVALUATE_EVERY))
      .<RecipeKey<?>>flatMap(List::stream).toList();

  private RecipeKeys() {
  }

  private static RecipeKey<List<Path>> files(String name, String help, String faultIfMissing) {
    return of(name, List.class, "FILE", help, field -> {
      List<Path> files = field.paths();
      if (files.isEmpty() && !faultIfMissing.isEmpty()) {
        field.fault(faultIfMissing);
      }
      files.forEach(field::requireExists);
      return files;
    }, files -> Optional.<Object>of(files.stream().map(RecipeKey::absolute).toList())
        .filter(_ -> !files.isEmpty()));
  }

  private static RecipeKey<Optional<String>> column(String name, String help) {
    return optional(name, String.class, "NAME", help, field -> {
      Optional<String> column = field.recipe().optionalText(name);
      if (column.filter(String::isBlank).isPresent()) {
        field.fault("must be the name of a field");
      }
      return column;
    });
  }

  private static RecipeKey<Integer> count(String name, int fallback, int least, String help) {
    return count(name, help + " (default: " + fallback + ").", fallback, least, Integer.MAX_VALUE);
  }

  private static RecipeKey<Integer> count(String name, String help, int fallback, int least, int most) {
    return of(name, Long.class, "N", help,
        field -> Math.toIntExact(field.between(field.recipe().integer(name, fallback), least, most)));
  }

  /** More threads than that only wait for each other. */
  private static int maxThreads() {
    return Math.max(64, 4 * Runtime.getRuntime().availableProcessors());
  }

  private static Schedule schedule(RecipeField field) {
    String name = field.recipe().text(field.key(), "linear");
    return Schedule.named(name).orElseGet(() -> {
      field.fault("must be constant, linear or cosine, not \"" + name + "\""
          + Nearest.question(name, List.of("constant", "linear", "cosine")));
      return Schedule.LINEAR;
    });
  }

  private static double warmup(RecipeField field) {
    double warmup = field.recipe().number(field.key(), 0);
    if (!(warmup >= 0 && warmup <= Integer.MAX_VALUE) || warmup >= 1 && warmup != Math.rint(warmup)) {
      field.fault("must be a number of steps, or below 1 their share of all, not " + warmup);
    }
    return warmup;
  }

  private static DType computeType(RecipeField field) {
    String name = field.recipe().text(field.key(), "f32");
    return ComputeTypes.find(name).orElseGet(() -> {
      field.fault(ComputeTypes.fault(name));
      return DType.F32;
    });
  }

  private static Optional<Long> bytes(RecipeField field) {
    return field.recipe().value(field.key()).flatMap(size -> {
      Optional<Long> bytes = DeviceFlags.bytes(String.valueOf(size));
      if (bytes.isEmpty()) {
        field.fault("must be a size such as 6g, 800m or a number of bytes, not " + size);
      }
      return bytes;
    });
  }

  private static Optional<Object> lowerCase(Enum<?> value) {
    return Optional.of(value.name().toLowerCase(Locale.ROOT));
  }
}
