package dev.graft.core.train;

import dev.graft.core.TrainingOptions;
import dev.graft.core.attach.Attachment;
import dev.graft.core.batch.BatchLayout;
import dev.graft.core.graphs.GraphOptions;
import dev.graft.core.graphs.ModelGraphs;
import dev.graft.core.graphs.RowGroup;
import dev.graft.core.weights.BaseModel;
import dev.graft.error.GraftException;
import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import dev.graft.spi.Preferences;
import org.apiguardian.api.API;

/** Builds the graph of one step without running it, to plan its memory. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class StepGraph {
  /** Far more than any machine has the memory for. */
  private static final long MAX_TOKENS = 1 << 22;

  private StepGraph() {
  }

  /**
   * Builds the graph that {@link Trainer} would run for a batch [rows, length] padded at the end.
   *
   * @param labels how many of its tokens are predicted
   * @param alone whether the batch is a step by itself, rather than the last of several
   */
  public static Graph of(BaseModel base, Attachment attachment, DType computeType, TrainingOptions options,
      int rows, int length,
      int labels, boolean alone) {
    return of(base, attachment, computeType, options, rows, length, labels, alone, Preferences.CPU);
  }

  /**
   * Builds the graph that {@link Trainer} would run for a batch [rows, length] padded at the end.
   *
   * @param labels how many of its tokens are predicted
   * @param alone whether the batch is a step by itself, rather than the last of several
   * @param preferences of the backend that is to run it
   */
  public static Graph of(BaseModel base, Attachment attachment, DType computeType, TrainingOptions options,
      int rows, int length,
      int labels, boolean alone, Preferences preferences) {
    return of(base, attachment, computeType, options, BatchLayout.padded(rows, length, labels, false), alone,
        preferences);
  }

  /**
   * Builds the graph that {@link Trainer} would run for a batch.
   *
   * @param alone whether the batch is a step by itself, rather than the last of several
   * @param preferences of the backend that is to run it
   */
  public static Graph of(BaseModel base, Attachment attachment, DType computeType, TrainingOptions options,
      BatchLayout layout,
      boolean alone, Preferences preferences) {
    if ((long) layout.rows() * layout.length() > MAX_TOKENS) {
      throw new GraftException(
          "A batch of " + layout.rows() + " x " + layout.length() + " tokens is more than the "
              + MAX_TOKENS + " that a step can have at once: lower the batch or the length");
    }
    GraphOptions graphOptions = new GraphOptions(computeType, true, options.gradientCheckpointing(),
        options.seed());
    StepGraphs.Role role = alone
        ? StepGraphs.Role.WHOLE
        : StepGraphs.Role.ENDS;
    return new StepGraphs(new ModelGraphs(base, graphOptions, preferences), computeType, options)
        .build(RowGroup.all("planned", attachment, layout.rows()), layout, role);
  }
}
