package dev.graft.core;

import dev.graft.core.attach.AdapterTensor;
import dev.graft.core.attach.AdapterWeights;
import dev.graft.core.attach.Attachment;
import dev.graft.core.generate.Generator;
import dev.graft.core.graphs.AdapterFormulas;
import dev.graft.core.graphs.RowGroup;
import dev.graft.core.plugin.Backends;
import dev.graft.core.train.Evaluator;
import dev.graft.core.train.Trainer;
import dev.graft.error.GraftException;
import dev.graft.graph.HostTensor;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apiguardian.api.API;

/**
 * An adapter of an open model: what trains, saves, scales, switches and removes it. What it computes is as it was
 * attached or loaded, but for its {@linkplain #scale scale}.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class GraftAdapter implements AutoCloseable {
  private final GraftModel model;
  private final String name;

  GraftAdapter(GraftModel model, String name) {
    this.model = model;
    this.name = name;
  }

  /** Returns the name by which the model knows the adapter. */
  public String name() {
    return name;
  }

  /** Lets this adapter act from now on, in the place of the one before. */
  public void activate() {
    model.turns().run(() -> model.set().activate(name));
  }

  /**
   * Multiplies the effect that the adapter was attached or loaded with by a factor; 1 restores it.
   * It is trained and saved without.
   *
   * @throws GraftException if its method has no scale
   */
  public void scale(double factor) {
    model.turns().run(() -> model.set().scale(name, factor));
  }

  /** Answers a user's message by this adapter, whichever is active. */
  public String answer(String message, GenerationOptions options) {
    return model.answers(List.of(name), List.of(message), options).getFirst();
  }

  /**
   * Trains the adapter to the last step.
   *
   * @param batches gives each step's batches
   * @param listener called after each step
   * @throws DivergedException if the loss or a gradient is not finite; the adapter is as the last good step left it
   * then, and can be used, saved and trained on
   * @throws GraftException if the loss does not depend on some part of the adapter that should learn
   */
  public void train(TrainingOptions options, BatchSource batches, TrainingListener listener) {
    model.turns().run(() -> {
      try (Trainer trainer = trainer(options)) {
        trainer.run(batches, listener);
      }
    });
  }

  /**
   * Returns a trainer for a loop of one's own; it must be closed before another is made.
   *
   * @throws GraftException if the model's backend cannot train
   */
  public Trainer trainer(TrainingOptions options) {
    Backends.requireTraining(model.backend());
    model.forgetGeneration();
    return new Trainer(model.session(), model.base(), model.set().unscaled(name), name, model.computeType(),
        options,
        model.backend().preferences());
  }

  /** Returns the mean loss over all labels of the batches. */
  public double loss(List<TokenBatch> batches) {
    return model.turns().take(() -> {
      try (Evaluator evaluator = evaluator()) {
        return evaluator.loss(batches);
      }
    });
  }

  /** Returns an evaluator that keeps its programs from one evaluation to the next. */
  public Evaluator evaluator() {
    return new Evaluator(model.session(), model.base(), model.computeType(), rows(1),
        model.backend().preferences());
  }

  /** Continues prompts and gives each row's new tokens when all are there. */
  public List<long[]> generate(List<long[]> prompts, GenerationOptions options) {
    return generate(prompts, options, (_, _) -> {
    });
  }

  /**
   * Continues prompts.
   *
   * @param prompts token ids; shorter ones are padded
   * @param listener called with every token as it is chosen
   * @return each row's new tokens, without the one that ended it
   */
  public List<long[]> generate(List<long[]> prompts, GenerationOptions options,
      TokenListener listener) {
    return model.generate(prompts.stream().map(_ -> name).toList(), prompts, options, listener);
  }

  /**
   * Saves the adapter in PEFT's format, in the place of an older one if there is one: at any time the folder
   * holds the old adapter or the new. What only training needs is kept beside it.
   *
   * @throws GraftException if the disk refuses, or a value is not finite
   */
  public void save(Path folder) {
    String basePath = model.loaded().map(loaded -> loaded.folder().path().toString()).orElse("");
    model.turns().run(() -> formulas().save(folder, basePath));
  }

  /** Returns the method's formulas over this adapter's weights. */
  public AdapterFormulas formulas() {
    return new AdapterFormulas(model.base(), model.session(), model.computeType(), name,
        model.set().unscaled(name));
  }

  /** Returns what the adapter is made of. */
  public Attachment attachment() {
    return model.set().attachment(name);
  }

  /** Returns how many numbers learn. */
  public long trainedParameters() {
    return attachment().trainable().stream().map(AdapterTensor::shape).mapToLong(shape -> shape.size()).sum();
  }

  /** Returns copies of the tensors that do not learn, by their keys. */
  Map<String, HostTensor> fixedTensors() {
    Map<String, HostTensor> fixed = new LinkedHashMap<>();
    attachment().tensors().values().stream().filter(tensor -> !tensor.trainable())
        .forEach(tensor -> fixed.put(tensor.key(),
            model.session().download(AdapterWeights.variable(name, tensor.key()))));
    return fixed;
  }

  /** Returns the model that the adapter is attached to. */
  public GraftModel model() {
    return model;
  }

  private RowGroup rows(long count) {
    return RowGroup.all(name, attachment(), count);
  }

  /** Removes the adapter from the model and frees its memory; if it was active, the base model acts alone. */
  @Override
  public void close() {
    model.turns().run(() -> model.remove(name));
  }
}
