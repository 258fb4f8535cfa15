package dev.graft.core;

import dev.graft.core.attach.Attachment;
import dev.graft.core.train.StepGraph;
import dev.graft.core.weights.BaseModel;
import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntFunction;
import java.util.function.Supplier;
import org.apiguardian.api.API;

/**
 * Checks, from the graph of a step, that a backend can train an adapter and has the memory for it; what would
 * help if it has not is found by planning the same step with other settings.
 *
 * @param base whose weights need not be read
 * @param attachment what is trained
 * @param computeType type of activations and frozen weights
 * @param options among which the compute type is the model's
 * @param rows sequences of the largest batch
 * @param length of the longest
 * @param labels how many of the batch's tokens are predicted
 * @param batches how many of them make a step
 * @param others the same model with its weights in other forms, by what that is, such as {@code a base quantised
 * by nf4}; built when asked for
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record TrainingCheck(BaseModel base, Attachment attachment, DType computeType, TrainingOptions options,
    int rows, int length,
    int labels, int batches, Map<String, Supplier<BaseModel>> others) {
  private static final int SHORTEST = 16;

  /** Copies the map. */
  public TrainingCheck {
    others = Collections.unmodifiableMap(new LinkedHashMap<>(others));
  }

  /** Plans a step of one batch whose every token is predicted. */
  public TrainingCheck(BaseModel base, Attachment attachment, DType computeType, TrainingOptions options,
      int rows,
      int length) {
    this(base, attachment, computeType, options, rows, length, rows * (length - 1), 1, Map.of());
  }

  /** Builds the graph of a step. */
  public Graph graph(GraphCheck check) {
    return StepGraph.of(base, attachment, computeType, options, rows, length, labels, batches == 1,
        check.backend().preferences());
  }

  /**
   * Refuses training that cannot be done.
   *
   * @throws dev.graft.error.GraftException if the backend has not an operation of the step
   * @throws dev.graft.error.MemoryException if the memory does not suffice
   */
  public void require(GraphCheck check) {
    check.require("Training on batches of " + rows + " x " + length + " tokens", graph(check),
        () -> remedies(check));
  }

  /** Lists what changes least of what is learned first: recomputation changes nothing, a short length much. */
  private List<GraphCheck.Remedy> remedies(GraphCheck check) {
    List<GraphCheck.Remedy> remedies = new ArrayList<>();
    if (!options.gradientCheckpointing()) {
      remedies.add(remedy("gradient checkpointing", checkpointed(), check));
    }
    fitting(check, rows, 1, count -> sized(count, length)).ifPresent(found -> remedies.add(remedy(
        "batches of " + found.rows + " and " + (rows + found.rows - 1) / found.rows
            + " times as many of them a step",
        found, check)));
    others.forEach((name, model) -> remedies.add(remedy(name, on(model.get()), check)));
    fitting(check, length, SHORTEST, most -> sized(rows, most)).ifPresent(
        found -> remedies.add(remedy("a maximum length of " + found.length + " tokens", found, check)));
    if (!options.gradientCheckpointing() && rows > 1) {
      remedies.add(remedy("gradient checkpointing and batches of 1", checkpointed().sized(1, length), check));
    }
    return remedies;
  }

  private static GraphCheck.Remedy remedy(String change, TrainingCheck changed, GraphCheck check) {
    return new GraphCheck.Remedy(change, () -> changed.graph(check));
  }

  /** Halves a number until what it stands for fits; returns the least if nothing does. */
  private static Optional<TrainingCheck> fitting(GraphCheck check, int from, int least,
      IntFunction<TrainingCheck> changed) {
    Optional<TrainingCheck> last = Optional.empty();
    for (int count = from / 2; count >= least; count /= 2) {
      TrainingCheck tried = changed.apply(count);
      last = Optional.of(tried);
      if (check.need(tried.graph(check)).fits()) {
        break;
      }
    }
    return last;
  }

  private TrainingCheck sized(int otherRows, int otherLength) {
    long share = (long) labels * otherRows * otherLength / ((long) rows * length);
    return new TrainingCheck(base, attachment, computeType, options, otherRows, otherLength,
        (int) Math.max(1, share), batches,
        others);
  }

  private TrainingCheck on(BaseModel other) {
    return new TrainingCheck(other, attachment, computeType, options, rows, length, labels, batches,
        Map.of());
  }

  private TrainingCheck checkpointed() {
    return new TrainingCheck(base, attachment, computeType, options.withGradientCheckpointing(true), rows,
        length, labels, batches, others);
  }
}
