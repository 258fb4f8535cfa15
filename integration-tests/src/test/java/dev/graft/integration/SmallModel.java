package dev.graft.integration;

import dev.graft.compiler.autodiff.Differentiated;
import dev.graft.compiler.autodiff.Gradients;
import dev.graft.compiler.pass.Passes;
import dev.graft.core.PluginCatalog;
import dev.graft.core.TokenBatch;
import dev.graft.core.attach.AdapterTensor;
import dev.graft.core.attach.AdapterWeights;
import dev.graft.core.attach.Attachment;
import dev.graft.core.batch.BatchLayout;
import dev.graft.core.graphs.AdapterFormulas;
import dev.graft.core.graphs.GraphOptions;
import dev.graft.core.graphs.ModelGraphs;
import dev.graft.core.graphs.RowGroup;
import dev.graft.core.weights.LoadedModel;
import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Tensor;
import dev.graft.spi.Configuration;
import dev.graft.spi.PeftMethod;
import dev.graft.spi.Program;
import dev.graft.spi.Session;
import dev.graft.spi.SessionOptions;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;

/** Runs a fixtures' model in double precision on the reference backend, with adapters. */
final class SmallModel implements AutoCloseable {
  static final Path FOLDER = Golden.ROOT.resolve("models/llama");
  static final DType TYPE = DType.F64;
  private static final int ROWS = 2;
  private static final int LENGTH = 7;

  final PluginCatalog plugins = PluginCatalog.discover(SmallModel.class.getClassLoader());
  final LoadedModel model;
  final Session session = plugins.backend("reference").open(SessionOptions.DEFAULT);
  final TokenBatch batch;

  /** Opens the Llama of two layers. */
  SmallModel() {
    this(FOLDER);
  }

  SmallModel(Path folder) {
    model = LoadedModel.open(folder, plugins);
    batch = batch(1);
    model.base().upload(session, TYPE);
  }

  /** Makes a batch whose second row is padded at its end. */
  TokenBatch batch(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    long[] ids = random.longs(ROWS * LENGTH, 3, model.base().model().vocabulary()).toArray();
    long[] mask = new long[ids.length];
    Arrays.fill(mask, 0, ids.length - 2, 1);
    long[] labels = ids.clone();
    Arrays.fill(labels, ids.length - 2, ids.length, TokenBatch.IGNORED);
    return new TokenBatch(ROWS, LENGTH, ids, mask, labels);
  }

  /** Binds a method with settings as they stand in a new user's configuration. */
  Attachment bind(String method, Map<String, ?> settings) {
    PeftMethod<?> plugin = plugins.method(method);
    Map<String, Object> all = new LinkedHashMap<>(plugin.discriminators());
    all.putAll(settings);
    return new Attachment(plugin, new Configuration("settings", all), model.base().outline(), true);
  }

  /** Makes a new adapter. */
  Attachment create(String adapter, String method, Map<String, ?> settings) {
    Attachment attachment = bind(method, settings);
    formulas(adapter, attachment).initialise(3);
    return attachment;
  }

  /** Moves all tensors of an adapter a little. */
  void perturb(String adapter, Attachment attachment, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    for (AdapterTensor tensor : attachment.tensors().values()) {
      String variable = AdapterWeights.variable(adapter, tensor.key());
      HostTensor value = session.download(variable);
      HostTensor moved = HostTensor.zeros(value.dtype(), value.shape());
      for (long i = 0; i < value.shape().size(); i++) {
        moved.set(i, value.at(i) + 0.2 * (random.nextDouble() - 0.5));
      }
      session.upload(variable, moved);
    }
  }

  HostTensor value(String adapter, String key) {
    return session.download(AdapterWeights.variable(adapter, key));
  }

  AdapterFormulas formulas(String adapter, Attachment attachment) {
    return new AdapterFormulas(model.base(), session, TYPE, adapter, attachment);
  }

  RowGroup group(String adapter, Attachment attachment) {
    return RowGroup.all(adapter, attachment, ROWS);
  }

  double[] baseLogits() {
    return logits(List.of(RowGroup.base(ROWS)));
  }

  double[] logits(String adapter, Attachment attachment) {
    return logits(List.of(group(adapter, attachment)));
  }

  /** Returns the logits of the batch's real positions, row-major. */
  double[] logits(List<RowGroup> groups) {
    int inputTokens = ModelGraphs.inputTokens(groups.getFirst());
    int keyTokens = groups.getFirst().virtualTokens() - inputTokens;
    Graph graph = new ModelGraphs(model.base(), GraphOptions.evaluation(TYPE)).logits(groups, LENGTH, true);
    try (Program program = session.compile(graph)) {
      HostTensor all = Objects.requireNonNull(program
          .run(batch.feeds(batch.positions(inputTokens, keyTokens), true)).get(ModelGraphs.LOGITS));
      int vocabulary = Math.toIntExact(all.shape().dim(2));
      double[] out = new double[ROWS * LENGTH * vocabulary];
      for (int row = 0; row < ROWS; row++) {
        for (int i = 0; i < LENGTH * vocabulary; i++) {
          long from = (long) (row * (LENGTH + inputTokens) + inputTokens) * vocabulary;
          boolean real = batch.mask()[row * LENGTH + i / vocabulary] != 0;
          out[row * LENGTH * vocabulary + i] = real ? all.at(from + i) : 0;
        }
      }
      return out;
    }
  }

  /** Returns the loss of the batch, and its gradients by the adapter's keys. */
  Map<String, HostTensor> lossAndGradients(RowGroup group, boolean checkpoint) {
    ModelGraphs.LossGraph forward = new ModelGraphs(model.base(),
        new GraphOptions(TYPE, false, checkpoint, 0)).loss(group, layout(group));
    List<String> keys = List.copyOf(forward.trainable().keySet());
    Differentiated both = Gradients.of(forward.loss(), List.copyOf(forward.trainable().values()),
        forward.blocks());
    Map<String, Tensor> outputs = new LinkedHashMap<>(Map.of(ModelGraphs.LOSS, both.loss()));
    for (int i = 0; i < keys.size(); i++) {
      outputs.put(keys.get(i), both.gradients().get(i).orElseThrow());
    }
    return run(outputs, group);
  }

  double loss(RowGroup group) {
    ModelGraphs.LossGraph forward = new ModelGraphs(model.base(), GraphOptions.evaluation(TYPE)).loss(group,
        layout(group));
    return Objects.requireNonNull(run(Map.of(ModelGraphs.LOSS, forward.loss()), group).get(ModelGraphs.LOSS))
        .item();
  }

  private BatchLayout layout(RowGroup group) {
    return BatchLayout.withMask(batch, ModelGraphs.inputTokens(group));
  }

  private Map<String, HostTensor> run(Map<String, Tensor> outputs, RowGroup group) {
    int inputTokens = ModelGraphs.inputTokens(group);
    BatchLayout layout = layout(group);
    Map<String, HostTensor> feeds = layout.feeds(batch, inputTokens, group.virtualTokens() - inputTokens,
        1.0 / layout.labels(), TYPE);
    Graph graph = Passes.standard().apply(Graph.of("test", outputs, List.of()));
    try (Program program = session.compile(graph)) {
      return program.run(feeds);
    }
  }

  @Override
  public void close() {
    session.close();
    model.close();
  }
}
