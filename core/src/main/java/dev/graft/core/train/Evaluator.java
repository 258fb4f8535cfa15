package dev.graft.core.train;

import dev.graft.compiler.pass.Passes;
import dev.graft.core.TokenBatch;
import dev.graft.core.batch.BatchLayout;
import dev.graft.core.graphs.GraphOptions;
import dev.graft.core.graphs.ModelGraphs;
import dev.graft.core.graphs.RowGroup;
import dev.graft.core.weights.BaseModel;
import dev.graft.error.GraftException;
import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import dev.graft.graph.HostTensor;
import dev.graft.spi.Preferences;
import dev.graft.spi.Program;
import dev.graft.spi.Session;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.apiguardian.api.API;

/** Measures the loss on batches that are not trained on. The session holds the model's variables. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class Evaluator implements AutoCloseable {
  private final Session session;
  private final ModelGraphs graphs;
  private final RowGroup rows;
  private final DType type;
  private final int inputTokens;
  private final long maxPositions;
  private final Preferences preferences;
  private final Map<BatchLayout, Compiled> programs = new HashMap<>();

  private record Compiled(Program program, Set<String> inputs) {}

  /**
   * Prepares evaluation.
   *
   * @param group which adapter is measured; its number of rows does not matter
   */
  public Evaluator(Session session, BaseModel base, DType computeType, RowGroup group) {
    this(session, base, computeType, group, Preferences.CPU);
  }

  /**
   * Prepares evaluation.
   *
   * @param group which adapter is measured; its number of rows does not matter
   * @param preferences of the session's backend
   */
  public Evaluator(Session session, BaseModel base, DType computeType, RowGroup group,
      Preferences preferences) {
    GraphOptions options = GraphOptions.evaluation(computeType);
    this.session = session;
    this.graphs = new ModelGraphs(base, options, preferences);
    this.preferences = preferences;
    this.rows = group;
    this.type = options.parameterType();
    this.inputTokens = ModelGraphs.inputTokens(group);
    this.maxPositions = base.model().maxPositions();
  }

  /**
   * Returns the mean loss over all labels of all batches.
   *
   * @throws GraftException if no batch has a label
   */
  public double loss(List<TokenBatch> batches) {
    double sum = 0;
    long count = 0;
    for (TokenBatch batch : batches) {
      int labels = batch.labelCount(inputTokens);
      if (labels > 0) {
        sum += loss(batch, labels) * labels;
        count += labels;
      }
    }
    if (count == 0) {
      throw new GraftException("There is no label to measure the loss on: every token of the validation data"
          + " is part of a prompt or padding");
    }
    return sum / count;
  }

  private double loss(TokenBatch batch, int labels) {
    BatchLayout layout = BatchLayout.of(batch, inputTokens, maxPositions, preferences);
    Compiled compiled = programs.computeIfAbsent(layout, this::compile);
    Map<String, HostTensor> feeds = layout.feeds(batch, inputTokens, rows.virtualTokens() - inputTokens,
        1.0 / labels, type);
    feeds.keySet().retainAll(compiled.inputs());
    return Objects.requireNonNull(compiled.program().run(feeds).get(ModelGraphs.LOSS)).item();
  }

  private Compiled compile(BatchLayout layout) {
    RowGroup group = new RowGroup(rows.adapter(), rows.attachment(), 0, layout.rows());
    Graph graph = Passes.standard().apply(Graph.of("loss", Map.of(ModelGraphs.LOSS,
        graphs.loss(group, layout).loss()), List.of()));
    return new Compiled(session.compile(graph), graph.inputs().keySet());
  }

  /** Frees the programs. */
  @Override
  public void close() {
    programs.values().forEach(compiled -> compiled.program().close());
    programs.clear();
  }
}
