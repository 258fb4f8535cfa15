package dev.graft.core;

import dev.graft.core.attach.AdapterTensor;
import dev.graft.core.attach.Attachment;
import dev.graft.core.generate.Generator;
import dev.graft.core.graphs.AdapterFormulas;
import dev.graft.core.graphs.RowGroup;
import dev.graft.core.train.Evaluator;
import dev.graft.core.train.Trainer;
import dev.graft.error.GraftException;
import java.nio.file.Path;
import java.util.List;
import org.apiguardian.api.API;

/** An adapter that is attached to an open model. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class GraftAdapter {
  private final GraftModel model;
  private final String name;
  private final Attachment attachment;

  GraftAdapter(GraftModel model, String name, Attachment attachment) {
    this.model = model;
    this.name = name;
    this.attachment = attachment;
  }

  /**
   * Trains the adapter to the last step.
   *
   * @param options the compute type among them is replaced by the model's
   * @param batches gives each step's batches
   * @param listener hears of every step
   * @throws GraftException if the loss is not finite, or some part of the adapter gets no gradient
   */
  public void train(TrainingOptions options, BatchSource batches, TrainingListener listener) {
    try (Trainer trainer = trainer(options)) {
      trainer.run(batches, listener);
    }
  }

  /** Returns a trainer for a loop of one's own; it must be closed before another is made. */
  public Trainer trainer(TrainingOptions options) {
    return new Trainer(model.session(), model.base(), attachment, name, options.in(model.computeType()));
  }

  /** Returns the mean loss over all labels of the batches. */
  public double loss(List<TokenBatch> batches) {
    try (Evaluator evaluator = evaluator()) {
      return evaluator.loss(batches);
    }
  }

  /** Returns an evaluator that keeps its programs from one evaluation to the next. */
  public Evaluator evaluator() {
    return new Evaluator(model.session(), model.base(), model.computeType(), rows(1));
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
   * @param listener hears of every token as it is chosen
   * @return each row's new tokens, without the one that ended it
   */
  public List<long[]> generate(List<long[]> prompts, GenerationOptions options,
      Generator.TokenListener listener) {
    return model.generate(List.of(rows(prompts.size())), prompts, options, listener);
  }

  /**
   * Saves the adapter in PEFT's format, in the place of an older one if there is one: at any time the folder
   * holds the old adapter or the new. What only training needs is kept beside it.
   *
   * @throws GraftException if the disk refuses, or a value is not finite
   */
  public void save(Path folder) {
    String basePath = model.loaded().map(loaded -> loaded.folder().path().toString()).orElse("");
    formulas().save(folder, basePath);
  }

  /** Returns the method's formulas over this adapter's weights. */
  public AdapterFormulas formulas() {
    return new AdapterFormulas(model.base(), model.session(), model.computeType(), name, attachment);
  }

  /** Returns what the adapter is made of. */
  public Attachment attachment() {
    return attachment;
  }

  /** Returns how many numbers learn. */
  public long trainedParameters() {
    return attachment.trainable().stream().map(AdapterTensor::shape).mapToLong(shape -> shape.size()).sum();
  }

  /** Returns the model that the adapter is attached to. */
  public GraftModel model() {
    return model;
  }

  private RowGroup rows(long count) {
    return RowGroup.all(name, attachment, count);
  }
}
