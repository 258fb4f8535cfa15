package dev.graft.tools.plan;

import dev.graft.compiler.pass.MemoryPlan;
import dev.graft.core.TrainingOptions;
import dev.graft.core.attach.AdapterTensor;
import dev.graft.core.attach.Attachment;
import dev.graft.core.batch.BatchLayout;
import dev.graft.core.train.StepGraph;
import dev.graft.core.weights.BaseModel;
import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import dev.graft.spi.Preferences;
import org.apiguardian.api.API;

/**
 * States what a method trains in a model and the memory that a step takes, from the step's own graph.
 *
 * @param baseParameters numbers of the base model
 * @param trainedParameters numbers that learn
 * @param sites places where the method acts
 * @param weightBytes frozen weights as the device holds them
 * @param adapterBytes the adapter's tensors
 * @param optimizerBytes AdamW's two moments, and sums of gradients if several batches make a step
 * @param inputBytes a batch and its labels
 * @param activationBytes what a step computes, at the moment when most of it is needed: activations, and
 * gradients so far
 * @param gradientBytes all gradients of the adapter; they are part of what a step computes
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record TrainingPlan(long baseParameters, long trainedParameters, int sites, long weightBytes,
    long adapterBytes, long optimizerBytes, long inputBytes, long activationBytes, long gradientBytes) {

  /**
   * Plans the steps of a training run; no weight is read.
   *
   * @param rows sequences of a batch
   * @param length their length
   * @param batches how many of them make a step
   */
  public static TrainingPlan of(BaseModel base, Attachment attachment, DType computeType,
      TrainingOptions options, int rows,
      int length, int batches) {
    int labels = (int) Math.min(Integer.MAX_VALUE, (long) rows * (length - 1));
    return of(base, attachment, computeType, options, BatchLayout.padded(rows, length, labels, false),
        batches);
  }

  /**
   * Plans the steps of a training run; no weight is read.
   *
   * @param layout of the largest batch
   * @param batches how many of them make a step
   */
  public static TrainingPlan of(BaseModel base, Attachment attachment, DType computeType,
      TrainingOptions options,
      BatchLayout layout, int batches) {
    Graph graph = StepGraph.of(base, attachment, computeType, options, layout, batches == 1, Preferences.CPU);
    MemoryPlan memory = MemoryPlan.of(graph);
    int width = computeType.accumulator().bytes();
    long adapter = attachment.tensors().values().stream().mapToLong(t -> t.shape().size()).sum();
    long trained = attachment.trainable().stream().map(AdapterTensor::shape).mapToLong(s -> s.size()).sum();
    int states = batches > 1 ? 3 : 2;
    long input = memory.bytes().getOrDefault(MemoryPlan.Category.INPUT, 0L);
    return new TrainingPlan(
        base.outline().parameters().values().stream().mapToLong(shape -> shape.size()).sum(), trained,
        attachment.sites().size(),
        base.residentBytes(computeType).values().stream().mapToLong(Long::longValue).sum(),
        adapter * width, trained * width * states, input, memory.peakBytes(), trained * width);
  }

  /** Returns the share of the base model's parameters that learns. */
  public double trainedShare() {
    return (double) trainedParameters / baseParameters;
  }

  /** Returns the bytes that a step needs in all. */
  public long totalBytes() {
    return weightBytes + adapterBytes + optimizerBytes + inputBytes + activationBytes;
  }
}
