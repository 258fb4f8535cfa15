package dev.graft.core;

import dev.graft.core.adapters.AdapterSet;
import dev.graft.core.attach.AdapterWeights;
import dev.graft.core.attach.Attachment;
import dev.graft.core.attach.MethodSettings;
import dev.graft.core.generate.Generator;
import dev.graft.core.graphs.RowGroup;
import dev.graft.core.plugin.Backends;
import dev.graft.core.train.Evaluator;
import dev.graft.core.weights.BaseModel;
import dev.graft.core.weights.LoadedModel;
import dev.graft.error.GraftException;
import dev.graft.graph.DType;
import dev.graft.spi.Backend;
import dev.graft.spi.Session;
import dev.graft.spi.SessionOptions;
import dev.graft.spi.TextTokens;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apiguardian.api.API;

/**
 * Holds a model whose weights are on a backend's device, ready for adapters. One thread at a time uses it and
 * what it makes. Closing it frees the device's memory; its adapters end with it.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class GraftModel implements AutoCloseable {
  private final BaseModel base;
  private final Optional<LoadedModel> loaded;
  private final PluginCatalog plugins;
  private final Backend backend;
  private final Session session;
  private final DType computeType;
  private final Optional<AdapterSet> adapters;
  private int attached;

  private GraftModel(BaseModel base, Optional<LoadedModel> loaded, PluginCatalog plugins, Backend backend,
      ModelOptions options) {
    this.base = base;
    this.loaded = loaded;
    this.plugins = plugins;
    this.backend = backend;
    this.computeType = options.computeType();
    this.session = backend.open(new SessionOptions(options.threads()));
    try {
      base.upload(session, computeType);
    } catch (RuntimeException e) {
      session.close();
      throw e;
    }
    this.adapters = loaded.map(files -> new AdapterSet(files, session, computeType));
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
    Backend backend = Backends.choose(plugins, options.backend(), options.computeType());
    LoadedModel loaded = LoadedModel.open(folder, plugins);
    try {
      return new GraftModel(loaded.base(), Optional.of(loaded), plugins, backend, options);
    } catch (RuntimeException e) {
      loaded.close();
      throw e;
    }
  }

  /** Takes a model that does not come from a folder. */
  public static GraftModel of(BaseModel base, ModelOptions options, PluginCatalog plugins) {
    Backend backend = Backends.choose(plugins, options.backend(), options.computeType());
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
    GraftAdapter adapter = bind(method, settings);
    adapter.formulas().initialise(seed);
    return adapter;
  }

  /**
   * Attaches a new adapter whose start may depend on how the base model's tokenizer splits a text.
   *
   * @throws GraftException if there is no such method, or a setting is unknown or faulty
   */
  public GraftAdapter attach(String method, Map<String, ?> settings, long seed, TextTokens tokens) {
    GraftAdapter adapter = bind(method, settings);
    adapter.formulas().initialise(seed, tokens);
    return adapter;
  }

  private GraftAdapter bind(String method, Map<String, ?> settings) {
    Attachment attachment = MethodSettings.attach(plugins, method, settings, base.outline());
    return new GraftAdapter(this, nextName(), attachment);
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
    LoadedModel files = loaded.orElseThrow(GraftModel::noFolder);
    try (LoadedModel.LoadedAdapter stored = files.adapter(folder, training)) {
      String name = nextName();
      // Cast copies are the session's own; values of the right type lie in the file that is closed here.
      AdapterWeights.upload(session, name, AdapterWeights.copies(stored.values()), parameterType());
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
    try (Evaluator evaluator = new Evaluator(session, base, computeType, RowGroup.base(1))) {
      return evaluator.loss(batches);
    }
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
    long[][] out;
    try (Generator generator = new Generator(session, base, computeType)) {
      out = generator.generate(rows, ids, mask, options, (row, token) -> {
        stopped[row] = options.stopIds().contains(token);
        produced[row]++;
        listener.token(row, token);
      });
    }
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

  DType parameterType() {
    return computeType.accumulator();
  }

  /** Frees the device's memory and closes the folder. */
  @Override
  public void close() {
    adapters.ifPresent(AdapterSet::close);
    session.close();
    loaded.ifPresent(LoadedModel::close);
  }
}
