package dev.graft.core;

import dev.graft.core.adapters.AdapterSet;
import dev.graft.core.attach.AdapterWeights;
import dev.graft.core.attach.Attachment;
import dev.graft.core.attach.MethodSettings;
import dev.graft.core.generate.Generator;
import dev.graft.core.graphs.AdapterFormulas;
import dev.graft.core.graphs.GraphOptions;
import dev.graft.core.graphs.ModelGraphs;
import dev.graft.core.graphs.RowGroup;
import dev.graft.core.plugin.Backends;
import dev.graft.core.train.Evaluator;
import dev.graft.core.weights.BaseModel;
import dev.graft.core.weights.LoadedModel;
import dev.graft.error.GraftException;
import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import dev.graft.spi.Backend;
import dev.graft.spi.Session;
import dev.graft.spi.SessionOptions;
import dev.graft.spi.TextTokens;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.apiguardian.api.API;

/**
 * Holds a model whose weights are on a backend's device, ready for adapters. Threads that ask it or its adapters
 * for something at the same time wait for each other; trainers, evaluators and the {@linkplain #adapters set of
 * adapters} are used by one thread at a time, while no other uses the model. Closing it frees the device's memory;
 * its adapters end with it.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class GraftModel implements AutoCloseable {
  private final BaseModel base;
  private final Optional<LoadedModel> loaded;
  private final PluginCatalog plugins;
  private final Backend backend;
  private final Session session;
  private final DType computeType;
  private final Turns turns = new Turns();
  private final Generator generator;
  private final Optional<AdapterSet> adapters;
  private int attached;
  private boolean closed;

  private GraftModel(BaseModel base, Optional<LoadedModel> loaded, PluginCatalog plugins, Backend backend,
      ModelOptions options) {
    this.base = base;
    this.loaded = loaded;
    this.plugins = plugins;
    this.backend = backend;
    this.computeType = options.computeType();
    requireRoom(options.session());
    this.session = backend.open(options.session());
    try {
      base.upload(session, computeType);
    } catch (RuntimeException | Error e) {
      session.close();
      throw e;
    }
    this.generator = new Generator(session, base, computeType, backend.preferences());
    this.adapters = loaded.map(files -> new AdapterSet(files, session, computeType, generator::forget));
  }

  /** Refuses a model whose weights alone are too many, or whose operations the backend has not. */
  private void requireRoom(SessionOptions options) {
    Graph graph = new ModelGraphs(base, GraphOptions.evaluation(computeType), backend.preferences())
        .logits(List.of(RowGroup.base(1)), 1, false);
    new GraphCheck(plugins, backend, options).require("Running the model in " + computeType, graph,
        this::smallerTypes);
  }

  /** Lists what other types would need, where weights are dense. */
  private List<GraphCheck.Remedy> smallerTypes() {
    return backend.capabilities().computeTypes().stream().filter(type -> type.bytes() < computeType.bytes())
        .sorted(Comparator.comparing(DType::bytes).reversed().thenComparing(Comparator.naturalOrder()))
        .map(type -> new GraphCheck.Remedy("compute type " + type,
            () -> new ModelGraphs(base, GraphOptions.evaluation(type), backend.preferences())
                .logits(List.of(RowGroup.base(1)), 1, false)))
        .toList();
  }

  /**
   * Opens a model folder with the plug-ins that the calling thread's class loader sees, in F32, on the best
   * backend.
   *
   * @throws GraftException if a file is faulty, a plug-in is missing, or no backend can run here
   */
  public static GraftModel open(Path folder) {
    ClassLoader loader = Thread.currentThread().getContextClassLoader();
    return open(folder, ModelOptions.DEFAULT,
        PluginCatalog.discover(loader == null ? GraftModel.class.getClassLoader() : loader));
  }

  /**
   * Opens a model folder.
   *
   * @throws GraftException if a file is faulty, a plug-in is missing, or the backend cannot run here
   */
  public static GraftModel open(Path folder, ModelOptions options, PluginCatalog plugins) {
    Backend backend = Backends.choose(plugins, options.backend(), options.computeType(), options.session());
    LoadedModel loaded = LoadedModel.open(folder, plugins);
    try {
      return new GraftModel(loaded.base(), Optional.of(loaded), plugins, backend, options);
    } catch (RuntimeException | Error e) {
      loaded.close();
      throw e;
    }
  }

  /**
   * Takes a model whose folder is open, and closes it at the end. If this throws, the folder stays open.
   *
   * @throws GraftException if the backend cannot run here, or has not the memory for the weights
   */
  public static GraftModel of(LoadedModel loaded, ModelOptions options, PluginCatalog plugins) {
    Backend backend = Backends.choose(plugins, options.backend(), options.computeType(), options.session());
    return new GraftModel(loaded.base(), Optional.of(loaded), plugins, backend, options);
  }

  /** Takes a model that does not come from a folder. */
  public static GraftModel of(BaseModel base, ModelOptions options, PluginCatalog plugins) {
    Backend backend = Backends.choose(plugins, options.backend(), options.computeType(), options.session());
    return new GraftModel(base, Optional.empty(), plugins, backend, options);
  }

  /** Attaches a new adapter whose random start has seed 0; see {@link #attach(String, Map, long)}. */
  public GraftAdapter attach(String method, Map<String, ?> settings) {
    return attach(method, settings, 0);
  }

  /**
   * Attaches a new adapter.
   *
   * @param method the method's id, such as {@code lora}
   * @param settings by the names of {@code adapter_config.json}, such as {@code r} and {@code lora_alpha}
   * @param seed of the random start
   * @throws GraftException if there is no such method, or a setting is unknown or faulty
   */
  public GraftAdapter attach(String method, Map<String, ?> settings, long seed) {
    return start(bind(method, settings), formulas -> formulas.initialise(seed));
  }

  /**
   * Attaches a new adapter whose start may depend on how the base model's tokenizer splits a text.
   *
   * @throws GraftException if there is no such method, or a setting is unknown or faulty
   */
  public GraftAdapter attach(String method, Map<String, ?> settings, long seed, TextTokens tokens) {
    return start(bind(method, settings), formulas -> formulas.initialise(seed, tokens));
  }

  private GraftAdapter start(GraftAdapter adapter, Consumer<AdapterFormulas> initialise) {
    turns.run(() -> AdapterWeights.allOrNone(session, adapter.name(), adapter.attachment().tensors().keySet(),
        () -> initialise.accept(adapter.formulas())));
    return adapter;
  }

  private GraftAdapter bind(String method, Map<String, ?> settings) {
    Attachment attachment = MethodSettings.attach(plugins, method, settings, base.outline());
    return new GraftAdapter(this, turns.take(this::nextName), attachment);
  }

  /**
   * Attaches an adapter from a folder in PEFT's format.
   *
   * @throws GraftException if a file is faulty, a tensor does not fit, or this model has no folder
   */
  public GraftAdapter load(Path folder) {
    return load(folder, false);
  }

  /**
   * Attaches an adapter from a folder to train it further as it was trained before, which may take parameters
   * that PEFT does not store.
   *
   * @throws GraftException if a file is faulty, a tensor does not fit, parameters of training are missing, or
   * this model has no folder
   */
  public GraftAdapter loadForTraining(Path folder) {
    return load(folder, true);
  }

  private static GraftException noFolder() {
    return new GraftException("A model without a folder has no stored adapters");
  }

  private GraftAdapter load(Path folder, boolean training) {
    return turns.take(() -> loadNow(folder, training));
  }

  private GraftAdapter loadNow(Path folder, boolean training) {
    LoadedModel files = loaded.orElseThrow(GraftModel::noFolder);
    try (LoadedModel.LoadedAdapter stored = files.adapter(folder, training)) {
      String name = nextName();
      AdapterWeights.uploadCopies(session, name, stored.values(), parameterType());
      return new GraftAdapter(this, name, stored.attachment());
    }
  }

  private String nextName() {
    String name;
    do {
      attached++;
      name = "adapter-" + attached;
    } while (adapters.isPresent() && adapters.get().names().contains(name));
    return name;
  }

  /**
   * Returns the adapters that this model holds by name, none at first: to load several, switch between them,
   * and let the rows of one batch use different ones. They end with the model.
   *
   * @throws GraftException if this model has no folder
   */
  public AdapterSet adapters() {
    return adapters.orElseThrow(GraftModel::noFolder);
  }

  /** Returns the mean loss of the model without an adapter over all labels of the batches. */
  public double loss(List<TokenBatch> batches) {
    return turns.take(() -> {
      try (Evaluator evaluator = new Evaluator(session, base, computeType, RowGroup.base(1),
          backend.preferences())) {
        return evaluator.loss(batches);
      }
    });
  }

  /**
   * Continues prompts without an adapter.
   *
   * @param prompts token ids; shorter ones are padded
   * @param listener hears of every token as it is chosen
   * @return each row's new tokens, without the one that ended it
   */
  public List<long[]> generate(List<long[]> prompts, GenerationOptions options,
      Generator.TokenListener listener) {
    return generate(List.of(RowGroup.base(prompts.size())), prompts, options, listener);
  }

  /** Continues prompts in one batch and gives each row's new tokens when all are there. */
  public List<long[]> generate(List<RowGroup> rows, List<long[]> prompts, GenerationOptions options) {
    return generate(rows, prompts, options, (_, _) -> {
    });
  }

  /**
   * Continues prompts in one batch whose rows may use different adapters.
   *
   * @param rows which rows use which adapter, as {@link AdapterSet#rows} tells
   * @param prompts token ids; shorter ones are padded
   * @param listener hears of every token as it is chosen
   * @return each row's new tokens, without the one that ended it
   * @throws GraftException if adapters with virtual tokens share the batch with others
   */
  public List<long[]> generate(List<RowGroup> rows, List<long[]> prompts, GenerationOptions options,
      Generator.TokenListener listener) {
    int length = prompts.stream().mapToInt(prompt -> prompt.length).max().orElse(0);
    if (length == 0) {
      throw new GraftException("There is no prompt to continue");
    }
    long[][] ids = new long[prompts.size()][length];
    long[][] mask = new long[prompts.size()][length];
    for (int row = 0; row < ids.length; row++) {
      long[] prompt = prompts.get(row);
      Arrays.fill(ids[row], options.padId());
      System.arraycopy(prompt, 0, ids[row], length - prompt.length, prompt.length);
      Arrays.fill(mask[row], length - prompt.length, length, 1);
    }
    int[] produced = new int[ids.length];
    boolean[] stopped = new boolean[ids.length];
    long[][] out = turns.take(() -> generator.generate(rows, ids, mask, options, (row, token) -> {
      stopped[row] = options.stopIds().contains(token);
      produced[row]++;
      listener.token(row, token);
    }));
    List<long[]> answers = new ArrayList<>();
    for (int row = 0; row < out.length; row++) {
      answers.add(Arrays.copyOf(out[row], produced[row] - (stopped[row] ? 1 : 0)));
    }
    return answers;
  }

  /** Returns the model and its weights. */
  public BaseModel base() {
    return base;
  }

  /** Returns the open folder; empty for a model that comes from none. */
  public Optional<LoadedModel> loaded() {
    return loaded;
  }

  /** Returns the backend that runs the model. */
  public Backend backend() {
    return backend;
  }

  /** Returns the type of activations and frozen weights. */
  public DType computeType() {
    return computeType;
  }

  /** Returns the session that holds the variables. */
  public Session session() {
    return session;
  }

  /** Returns whose turn it is to use the model. */
  Turns turns() {
    return turns;
  }

  /** Frees what generation keeps from one call to the next, so that training has its memory. */
  void forgetGeneration() {
    turns.run(generator::close);
  }

  DType parameterType() {
    return computeType.accumulator();
  }

  /** Frees the device's memory and closes the folder. */
  @Override
  public void close() {
    turns.run(() -> {
      if (!closed) {
        closed = true;
        generator.close();
        adapters.ifPresent(AdapterSet::close);
        session.close();
        loaded.ifPresent(LoadedModel::close);
      }
    });
  }
}
