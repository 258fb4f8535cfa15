package dev.graft.cli;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The options of a training run; each has a key of the same name in a recipe. */
final class TrainFlags {
  @Option(names = "--model", paramLabel = "DIR", description = "Folder of the base model, as Hugging Face has it.")
  @Nullable
  String model;

  @Option(names = "--data", paramLabel = "FILE", description = "Samples to learn from: .jsonl, .jsonl.gz or .json; may be repeated. Their shape is recognised by the usual names of fields; the columns below are for other names.")
  List<String> data = new ArrayList<>();

  @Option(names = "--valid", paramLabel = "FILE", description = "Samples to measure the loss on; may be repeated.")
  List<String> validation = new ArrayList<>();

  @Option(names = "--prompt-column", paramLabel = "NAME", description = "Field that holds the prompt; the completion is in --completion-column, or in 'completion'.")
  @Nullable
  String promptColumn;

  @Option(names = "--completion-column", paramLabel = "NAME", description = "Field that holds the completion; the prompt is in --prompt-column, or in 'prompt'.")
  @Nullable
  String completionColumn;

  @Option(names = "--messages-column", paramLabel = "NAME", description = "Field that holds a conversation: messages of role and content, or of from and value.")
  @Nullable
  String messagesColumn;

  @Option(names = "--text-column", paramLabel = "NAME", description = "Field that holds a whole text to learn.")
  @Nullable
  String textColumn;

  @Option(names = "--method", paramLabel = "ID", description = "Method (default: lora); 'graft plugins' lists them.")
  @Nullable
  String method;

  @Option(names = "--adapter", paramLabel = "DIR", description = "Train an existing adapter further instead of a new one.")
  @Nullable
  String adapter;

  @Mixin
  MethodFlags settings = new MethodFlags();

  @Option(names = "--steps", paramLabel = "N", description = "Optimiser steps.")
  @Nullable
  Long steps;

  @Option(names = "--epochs", paramLabel = "X", description = "Times to go through the data, instead of steps (default: 1).")
  @Nullable
  Double epochs;

  @Option(names = "--batch", paramLabel = "N", description = "Samples of a batch (default: 8).")
  @Nullable
  Long batch;

  @Option(names = "--accumulation", paramLabel = "N", description = "Batches that make a step (default: 1).")
  @Nullable
  Long accumulation;

  @Option(names = "--lr", paramLabel = "X", description = "Highest learning rate (default: 2e-4).")
  @Nullable
  Double learningRate;

  @Option(names = "--schedule", paramLabel = "NAME", description = "How the rate falls: constant, linear or cosine (default: linear).")
  @Nullable
  String schedule;

  @Option(names = "--warmup", paramLabel = "X", description = "Steps over which the rate rises, or below 1 their share (default: 0).")
  @Nullable
  Double warmup;

  @Option(names = "--weight-decay", paramLabel = "X", description = "AdamW's decoupled weight decay (default: 0).")
  @Nullable
  Double weightDecay;

  @Option(names = "--max-grad-norm", paramLabel = "X", description = "Largest norm of the gradients, 0 for no limit (default: 1).")
  @Nullable
  Double maxGradNorm;

  @Option(names = "--max-length", paramLabel = "N", description = "Longest sample in tokens (default: 512, or what the model has positions for).")
  @Nullable
  Long maxLength;

  @Option(names = "--dtype", paramLabel = "TYPE", description = "Compute type: f32, bf16, f16 or f64 (default: f32).")
  @Nullable
  String dtype;

  @Option(names = "--backend", paramLabel = "ID", description = "Backend (default: the best available).")
  @Nullable
  String backend;

  @Option(names = "--threads", paramLabel = "N", description = "Threads for one operation (default: all processors).")
  @Nullable
  Long threads;

  @Mixin
  DeviceFlags where = new DeviceFlags();

  @Option(names = "--gradient-checkpointing", description = "Compute blocks again in the backward pass instead of keeping their values: less memory, more time.")
  @Nullable
  Boolean gradientCheckpointing;

  @Option(names = "--seed", paramLabel = "N", description = "Seed of initialisation, dropout and the order of the data (default: 0).")
  @Nullable
  Long seed;

  @Option(names = "--raw", description = "Do not use the model's chat template.")
  @Nullable
  Boolean raw;

  @Option(names = "--out", paramLabel = "DIR", description = "Folder for the adapter, the log and the checkpoints (default: a new one in graft-runs).")
  @Nullable
  String out;

  @Option(names = "--save-every", paramLabel = "N", description = "Steps between checkpoints, 0 for none (default: 100).")
  @Nullable
  Long saveEvery;

  @Option(names = "--keep", paramLabel = "N", description = "How many checkpoints stay (default: 2).")
  @Nullable
  Long keep;

  @Option(names = "--eval-every", paramLabel = "N", description = "Steps between evaluations; 0 for the start and the end (default: 0).")
  @Nullable
  Long evaluateEvery;

  /** Returns what was given, by the keys of a recipe. */
  Map<String, Object> given() {
    Map<String, @Nullable Object> all = new LinkedHashMap<>();
    all.put("model", model);
    all.put("data", data.isEmpty() ? null : data);
    all.put("valid", validation.isEmpty() ? null : validation);
    all.put("prompt-column", promptColumn);
    all.put("completion-column", completionColumn);
    all.put("messages-column", messagesColumn);
    all.put("text-column", textColumn);
    all.put("method", method);
    all.put("adapter", adapter);
    all.putAll(settings.given());
    all.put("steps", steps);
    all.put("epochs", epochs);
    all.put("batch", batch);
    all.put("accumulation", accumulation);
    all.put("lr", learningRate);
    all.put("schedule", schedule);
    all.put("warmup", warmup);
    all.put("weight-decay", weightDecay);
    all.put("max-grad-norm", maxGradNorm);
    all.put("max-length", maxLength);
    all.put("dtype", dtype);
    all.put("backend", backend);
    all.put("threads", threads);
    all.put(DeviceFlags.DEVICE, where.device);
    all.put(DeviceFlags.MEMORY, where.memory);
    all.put("gradient-checkpointing", gradientCheckpointing);
    all.put("seed", seed);
    all.put("raw", raw);
    all.put("out", out);
    all.put("save-every", saveEvery);
    all.put("keep", keep);
    all.put("eval-every", evaluateEvery);
    Map<String, Object> given = new LinkedHashMap<>();
    all.forEach((key, value) -> {
      if (value != null) {
        given.put(key, value);
      }
    });
    return given;
  }
}
