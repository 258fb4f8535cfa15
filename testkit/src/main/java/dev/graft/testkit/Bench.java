package dev.graft.testkit;

import dev.graft.backend.reference.ReferenceBackend;
import dev.graft.compiler.autodiff.Differentiated;
import dev.graft.compiler.autodiff.Gradients;
import dev.graft.compiler.pass.Passes;
import dev.graft.core.TokenBatch;
import dev.graft.core.attach.AdapterTensor;
import dev.graft.core.attach.AdapterWeights;
import dev.graft.core.attach.Attachment;
import dev.graft.core.batch.BatchLayout;
import dev.graft.core.batch.InputNames;
import dev.graft.core.graphs.GraphOptions;
import dev.graft.core.graphs.ModelGraphs;
import dev.graft.core.graphs.RowGroup;
import dev.graft.core.weights.BaseModel;
import dev.graft.formats.TensorSource;
import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import dev.graft.spi.CausalModel;
import dev.graft.spi.Program;
import dev.graft.spi.Session;
import dev.graft.spi.SessionOptions;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;

/** Holds a small model of random weights on the reference backend, and runs it. */
final class Bench implements AutoCloseable {
  static final String ADAPTER = "tested";

  private final BaseModel base;
  private final Session session = new ReferenceBackend().open(new SessionOptions(1));
  private final DType type;

  Bench(BaseModel base, DType type) {
    this.base = base;
    this.type = type;
    base.upload(session, type);
  }

  /** Draws weights for a model: matrices of about unit gain, and vectors around 1. */
  static BaseModel randomWeights(CausalModel model, Random random) {
    Map<String, HostTensor> weights = new LinkedHashMap<>();
    BaseModel.outline(model).parameters().forEach((name, shape) -> weights.put(name, shape.rank() == 1
        ? Values.between(0.7, 1.3, DType.F32, shape, random)
        : Values.between(-1, 1, DType.F32, shape, random)));
    return new BaseModel(model, TensorSource.of(weights), List.of());
  }

  BaseModel base() {
    return base;
  }

  Session session() {
    return session;
  }

  DType type() {
    return type;
  }

  /** Draws token ids without padding, every token but a row's first being a label. */
  TokenBatch batch(int rows, int length, Random random) {
    long[] ids = random.longs((long) rows * length, 0, base.model().vocabulary()).toArray();
    long[] mask = new long[ids.length];
    Arrays.fill(mask, 1);
    return new TokenBatch(rows, length, ids, mask, ids.clone());
  }

  RowGroup group(Attachment attachment, long rows) {
    return RowGroup.all(ADAPTER, attachment, rows);
  }

  HostTensor logits(RowGroup group, TokenBatch batch) {
    return logits(List.of(group), batch);
  }

  /** Returns the logits of the real tokens [rows, length, vocabulary]. */
  HostTensor logits(List<RowGroup> groups, TokenBatch batch) {
    int inputTokens = ModelGraphs.inputTokens(groups.getFirst());
    int keyTokens = groups.getFirst().virtualTokens() - inputTokens;
    Graph graph = new ModelGraphs(base, GraphOptions.evaluation(type)).logits(groups, batch.length(), true);
    Tensor all = Objects.requireNonNull(graph.outputs().get(ModelGraphs.LOGITS));
    Graph real = Graph.of("logits", Map.of(ModelGraphs.LOGITS, all.slice(1, inputTokens, all.dim(1))),
        graph.assignments());
    return run(real, batch.feeds(batch.positions(inputTokens, keyTokens), true), ModelGraphs.LOGITS);
  }

  /** Takes the likeliest token again and again, running the whole sequence each time: without a cache. */
  long[] greedy(RowGroup group, long[] prompt, int count) {
    long[] ids = prompt;
    for (int i = 0; i < count; i++) {
      long[] ones = new long[ids.length];
      Arrays.fill(ones, 1);
      HostTensor logits = logits(group, new TokenBatch(1, ids.length, ids, ones, ids.clone()));
      long vocabulary = logits.shape().dim(2);
      long last = (ids.length - 1) * vocabulary;
      long best = 0;
      for (long token = 1; token < vocabulary; token++) {
        best = logits.at(last + token) > logits.at(last + best) ? token : best;
      }
      ids = Arrays.copyOf(ids, ids.length + 1);
      ids[ids.length - 1] = best;
    }
    return Arrays.copyOfRange(ids, prompt.length, ids.length);
  }

  private HostTensor run(Graph graph, Map<String, HostTensor> feeds, String output) {
    return Objects.requireNonNull(run(graph, feeds).get(output));
  }

  Map<String, HostTensor> run(Graph graph, Map<String, HostTensor> feeds) {
    try (Program program = session.compile(graph)) {
      return program.run(feeds);
    }
  }

  /** Holds the graph of a training loss and the feeds of one batch. */
  record Loss(ModelGraphs.LossGraph graph, Map<String, HostTensor> feeds) {}

  /** Builds the mean loss of a batch as training does, dropout included. */
  Loss loss(RowGroup group, TokenBatch batch, boolean checkpoint) {
    int inputTokens = ModelGraphs.inputTokens(group);
    BatchLayout layout = BatchLayout.withMask(batch, inputTokens);
    ModelGraphs.LossGraph graph = new ModelGraphs(base, new GraphOptions(type, true, checkpoint, 7))
        .penalizedLoss(group, layout);
    Map<String, HostTensor> feeds = layout.feeds(batch, inputTokens, group.virtualTokens() - inputTokens,
        1.0 / layout.labels(), type.accumulator());
    feeds.put(InputNames.STEP, HostTensor.ofLongs(Shape.of(), 3));
    return new Loss(graph, feeds);
  }

  /** Returns the gradient of each trainable tensor, empty where the loss does not depend on it. */
  Map<String, Optional<HostTensor>> gradients(Loss loss) {
    List<String> keys = List.copyOf(loss.graph().trainable().keySet());
    Differentiated both = Gradients.of(loss.graph().loss(), List.copyOf(loss.graph().trainable().values()),
        loss.graph().blocks());
    Map<String, Tensor> outputs = new LinkedHashMap<>();
    for (int i = 0; i < keys.size(); i++) {
      String key = keys.get(i);
      both.gradients().get(i).ifPresent(gradient -> outputs.put(key, gradient));
    }
    Map<String, HostTensor> found = run(
        Passes.standard().apply(Graph.of("gradients", outputs, List.of())), loss.feeds());
    Map<String, Optional<HostTensor>> gradients = new LinkedHashMap<>();
    keys.forEach(key -> gradients.put(key, Optional.ofNullable(found.get(key))));
    return gradients;
  }

  /** Moves every trainable tensor of an adapter away from its start. */
  void disturb(Attachment attachment, Random random) {
    for (AdapterTensor tensor : attachment.trainable()) {
      String name = AdapterWeights.variable(ADAPTER, tensor.key());
      HostTensor value = Values.copy(session.download(name));
      for (long i = 0; i < value.shape().size(); i++) {
        value.set(i, value.at(i) + random.nextDouble(-0.2, 0.2));
      }
      session.upload(name, value);
    }
  }

  /** Copies all variables. */
  Map<String, HostTensor> variables() {
    Map<String, HostTensor> copies = new LinkedHashMap<>();
    session.variables().forEach(name -> copies.put(name, Values.copy(session.download(name))));
    return copies;
  }

  @Override
  public void close() {
    session.close();
  }
}
