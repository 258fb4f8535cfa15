package dev.graft.core;

import dev.graft.compiler.pass.Passes;
import dev.graft.core.attach.AdapterTensor;
import dev.graft.core.attach.AdapterWeights;
import dev.graft.core.attach.Attachment;
import dev.graft.core.attach.MethodSettings;
import dev.graft.core.graphs.AdapterFormulas;
import dev.graft.core.graphs.GraphOptions;
import dev.graft.core.graphs.ModelGraphs;
import dev.graft.core.graphs.RowGroup;
import dev.graft.core.train.Evaluator;
import dev.graft.core.train.Trainer;
import dev.graft.core.weights.BaseModel;
import dev.graft.core.weights.LoadedModel;
import dev.graft.formats.ModelFolderWriter;
import dev.graft.formats.TensorSource;
import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import dev.graft.graph.HostTensor;
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

/**
 * Runs the tiny decoder in double precision on the reference backend. What of the API makes models, adapters and
 * trainers is called here alone.
 *
 * @param model the open folder
 * @param session holds the model's variables
 */
public record TinyModel(LoadedModel model, Session session) implements AutoCloseable {
  public static final DType TYPE = DType.F64;
  public static final String ADAPTER = "it";
  /** A rank of 1 on one layer: few enough numbers to differentiate each. */
  public static final Map<String, Object> SMALL_LORA = Map.of("r", 1L, "lora_alpha", 2L, "target_modules",
      "model.layers.1.self_attn.q_proj");
  public static final Map<String, Object> LORA = Map.of("r", 2L, "lora_alpha", 4L, "target_modules",
      "all-linear");

  /** Returns the plug-ins of the class path. */
  public static PluginCatalog plugins() {
    return PluginCatalog.discover(TinyModel.class.getClassLoader());
  }

  /** Writes a model of random weights. */
  public static Path write(Path folder) {
    SplittableRandom random = new SplittableRandom(11);
    Map<String, HostTensor> weights = new LinkedHashMap<>();
    BaseModel.outline(new TinyFamily.Decoder()).parameters().forEach((name, shape) -> {
      HostTensor weight = HostTensor.zeros(DType.F32, shape);
      double middle = name.contains("norm") ? 1 : 0;
      for (long i = 0; i < shape.size(); i++) {
        weight.set(i, middle + 0.8 * random.nextGaussian() / Math.sqrt(name.contains("norm") ? 16 : 2));
      }
      weights.put(name, weight);
    });
    ModelFolderWriter.standard().write(folder,
        Map.of("model_type", TinyFamily.TYPE, "tie_word_embeddings", true), TensorSource.of(weights),
        List.of());
    return folder;
  }

  /** Opens a folder that {@link #write} has written. */
  public static TinyModel open(Path folder) {
    PluginCatalog plugins = plugins();
    LoadedModel model = LoadedModel.open(folder, plugins);
    Session session = plugins.backend("reference").open(new SessionOptions(1));
    model.base().upload(session, TYPE);
    return new TinyModel(model, session);
  }

  /** Opens a folder as a user of the facade does. */
  public static GraftModel facade(Path folder) {
    return GraftModel.open(folder, ModelOptions.DEFAULT.on("reference").in(TYPE), plugins());
  }

  /** Prepares a run of the small adapter, whose start does not depend on anything. */
  public static TrainingRun run(GraftModel model, TrainingOptions options, RunOptions files,
      Map<String, ?> identity) {
    return new TrainingRun(model.attach("lora", LORA, 3), options, files, identity);
  }

  /** Returns options for a constant rate without clipping and decay. */
  public static TrainingOptions options(long steps, double rate) {
    return options(steps, rate, Schedule.CONSTANT, 0, 0, 0, 1e-8, false);
  }

  /** Returns options with betas that a few steps can tell from 1. */
  public static TrainingOptions options(long steps, double rate, Schedule schedule, long warmup,
      double weightDecay, double maxGradNorm, double epsilon, boolean checkpointing) {
    return new TrainingOptions(steps, rate, schedule, warmup, weightDecay, 0.8, 0.95, epsilon, maxGradNorm,
        checkpointing, 7);
  }

  /** Makes an adapter all of whose numbers are random, so that everything in it has an effect. */
  public Attachment attach(String method, Map<String, ?> settings) {
    return attach(ADAPTER, method, settings, 5);
  }

  public Attachment attach(String name, String method, Map<String, ?> settings, long seed) {
    Attachment attachment = MethodSettings.attach(plugins(), method, settings, base().outline());
    formulas(name, attachment).initialise(seed);
    move(name, attachment, seed);
    return attachment;
  }

  /** Moves all numbers of an adapter a little. */
  public void move(String name, Attachment attachment, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    for (AdapterTensor tensor : attachment.tensors().values()) {
      String variable = AdapterWeights.variable(name, tensor.key());
      HostTensor value = session.download(variable);
      HostTensor moved = HostTensor.zeros(value.dtype(), value.shape());
      for (long i = 0; i < value.shape().size(); i++) {
        moved.set(i, value.at(i) + 0.6 * (random.nextDouble() - 0.5));
      }
      session.upload(variable, moved);
    }
  }

  public BaseModel base() {
    return model.base();
  }

  public AdapterFormulas formulas(String name, Attachment attachment) {
    return new AdapterFormulas(base(), session, TYPE, name, attachment);
  }

  public Trainer trainer(Attachment attachment, TrainingOptions options) {
    return new Trainer(session, base(), attachment, ADAPTER, TYPE, options);
  }

  public double loss(RowGroup group, TokenBatch... batches) {
    try (Evaluator evaluator = new Evaluator(session, base(), TYPE, group)) {
      return evaluator.loss(List.of(batches));
    }
  }

  /** Returns the logits of one sequence without padding, computed as a whole: [length][vocabulary]. */
  public double[][] logits(RowGroup row, long... ids) {
    long[] mask = new long[ids.length];
    Arrays.fill(mask, 1);
    TokenBatch batch = new TokenBatch(1, ids.length, ids, mask, ids);
    Graph graph = Passes.standard().apply(new ModelGraphs(base(), GraphOptions.evaluation(TYPE))
        .logits(List.of(row), ids.length, false));
    try (Program program = session.compile(graph)) {
      Map<String, HostTensor> feeds = batch.feeds(batch.positions(0, 0), false);
      feeds.keySet().retainAll(graph.inputs().keySet());
      double[] all = Objects.requireNonNull(program.run(feeds).get(ModelGraphs.LOGITS)).toDoubles();
      int vocabulary = all.length / ids.length;
      double[][] rows = new double[ids.length][];
      Arrays.setAll(rows, i -> Arrays.copyOfRange(all, i * vocabulary, (i + 1) * vocabulary));
      return rows;
    }
  }

  /** Makes rows of random tokens, padded at their ends, of which the first ones are a prompt. */
  public static TokenBatch batch(long seed, int prompt, int... lengths) {
    SplittableRandom random = new SplittableRandom(seed);
    int longest = Arrays.stream(lengths).max().orElseThrow();
    long[] ids = new long[lengths.length * longest];
    long[] mask = new long[ids.length];
    long[] labels = new long[ids.length];
    Arrays.fill(labels, TokenBatch.IGNORED);
    for (int row = 0; row < lengths.length; row++) {
      for (int i = 0; i < lengths[row]; i++) {
        int at = row * longest + i;
        ids[at] = random.nextLong(1, TinyFamily.VOCABULARY);
        mask[at] = 1;
        labels[at] = i < prompt ? TokenBatch.IGNORED : ids[at];
      }
    }
    return new TokenBatch(lengths.length, longest, ids, mask, labels);
  }

  @Override
  public void close() {
    session.close();
    model.close();
  }
}
