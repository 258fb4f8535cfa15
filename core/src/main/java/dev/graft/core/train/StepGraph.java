package dev.graft.core.train;

import dev.graft.core.TrainingOptions;
import dev.graft.core.attach.Attachment;
import dev.graft.core.batch.BatchLayout;
import dev.graft.core.graphs.GraphOptions;
import dev.graft.core.graphs.ModelGraphs;
import dev.graft.core.graphs.RowGroup;
import dev.graft.core.weights.BaseModel;
import dev.graft.graph.Graph;
import org.apiguardian.api.API;

/** Builds the graph of one step without running it, to plan its memory. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class StepGraph {
  private StepGraph() {
  }

  /**
   * Builds the graph that {@link Trainer} would run for a batch [rows, length] padded at the end.
   *
   * @param labels how many of its tokens are predicted
   * @param alone whether the batch is a step by itself, rather than the last of several
   */
  public static Graph of(BaseModel base, Attachment attachment, TrainingOptions options, int rows, int length,
      int labels, boolean alone) {
    GraphOptions graphOptions = new GraphOptions(options.computeType(), true, options.checkpoint(),
        options.seed());
    StepPrograms.Role role = alone
        ? StepPrograms.Role.WHOLE
        : StepPrograms.Role.ENDS;
    return new StepPrograms(new ModelGraphs(base, graphOptions), options)
        .build(RowGroup.all("planned", attachment, rows), BatchLayout.padded(rows, length, labels, false),
            role);
  }
}
