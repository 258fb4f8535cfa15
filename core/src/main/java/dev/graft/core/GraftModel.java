package dev.graft.core;

import dev.graft.core.adapters.AdapterSet;
import dev.graft.core.attach.AdapterWeights;
import dev.graft.core.attach.Attachment;
import dev.graft.core.attach.MethodSettings;
import dev.graft.core.batch.BucketedBatches;
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
import dev.graft.spi.Configuration;
import dev.graft.spi.Session;
import dev.graft.spi.SessionOptions;
import dev.graft.spi.TextCodec;
import dev.graft.spi.TextTokens;
import dev.graft.spi.TokenSample;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import org.apiguardian.api.API;

/**
 * Holds a model whose weights are on a backend's device, ready for adapters: new ones are attached, stored ones
 * loaded. At most one adapter is active at a time; prompts of one batch can be answered by different ones.
 *
 * <p>
 * Threads that ask it or its adapters for something at the same time wait for each other; trainers and evaluators
 * are used by one thread at a time, while no other uses the model. Closing it frees the device's memory; its
 * adapters end with it.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class GraftModel implements AutoCloseable {
  /** Stands for the model alone where adapters are named row by row. */
  public static final String BASE = AdapterSet.BASE;

  private final BaseModel base;
  private final Optional<LoadedModel> loaded;
  private final PluginCatalog plugins;
  private final Backend backend;
  private final Session session;
  private final DType computeType;
  private final Turns turns = new Turns();
  private final Generator generator;
  private final AdapterSet adapters;
  private final Map<String, GraftAdapter> handles = new LinkedHashMap<>();
  private Optional<TextCodec> text = Optional.empty();
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
    this.adapters = new AdapterSet(base, loaded, session, computeType, generator::forget);
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
   * Attaches a new adapter, which becomes active.
   *
   * @param method the method's id, such as {@code lora}
   * @param settings by the names of {@code adapter_config.json}, such as {@code r} and {@code lora_alpha}
   * @param seed of the random start
   * @throws GraftException if there is no such method, or a setting is unknown or faulty
   */
  public GraftAdapter attach(String method, Map<String, ?> settings, long seed) {
    return attach(method, settings, seed, words -> text().ids(words));
  }

  /**
   * Attaches a new adapter whose start may depend on how a tokenizer splits a text.
   *
   * @throws GraftException if there is no such method, or a setting is unknown or faulty
   */
  public GraftAdapter attach(String method, Map<String, ?> settings, long seed, TextTokens tokens) {
    return turns.take(() -> attach(nextName(), method, settings, seed, tokens));
  }

  /**
   * Attaches a new adapter under a name, which becomes active.
   *
   * @throws GraftException if the name is taken, if there is no such method, or a setting is unknown or faulty
   */
  public GraftAdapter attach(String name, String method, Map<String, ?> settings, long seed,
      TextTokens tokens) {
    Attachment attachment = MethodSettings.attach(plugins, method, settings, base.outline());
    return turns.take(() -> {
      adapters.attach(name, attachment,
          () -> new AdapterFormulas(base, session, computeType, name, attachment).initialise(seed, tokens));
      return activated(name);
    });
  }

  /**
   * Loads an adapter from a folder in PEFT's format; it becomes active.
   *
   * @throws GraftException if a file is faulty, a tensor does not fit, or this model has no folder
   */
  public GraftAdapter load(Path folder) {
    return turns.take(() -> load(nextName(), folder));
  }

  /**
   * Loads an adapter from a folder in PEFT's format under a name; it becomes active.
   *
   * @throws GraftException if the name is taken, a file is faulty, a tensor does not fit, or this model has no
   * folder
   */
  public GraftAdapter load(String name, Path folder) {
    return turns.take(() -> {
      adapters.load(name, folder);
      return activated(name);
    });
  }

  /**
   * Loads an adapter from a folder to train it further as it was trained before, which may take parameters that
   * PEFT does not store.
   *
   * @throws GraftException if a file is faulty, a tensor does not fit, parameters of training are missing, or
   * this model has no folder
   */
  public GraftAdapter loadForTraining(Path folder) {
    return turns.take(() -> {
      String name = nextName();
      adapters.load(name, folder, true);
      return activated(name);
    });
  }

  /** Combines adapters by a combination type that needs no further settings. */
  public GraftAdapter combine(String name, String combinationType, Map<String, Double> weights) {
    return combine(name, combinationType, weights, Map.of());
  }

  /**
   * Makes an adapter of others, at the scales that these have now; it becomes active. Those that it is made of
   * stay as they are.
   *
   * @param combinationType how, by the method's own names, such as {@code cat}, {@code svd} or {@code linear}
   * @param weights what each adapter counts, by its name
   * @param settings of the combination, such as {@code svd_rank}
   * @throws GraftException if the name is taken, if there is no adapter of a name, or if these cannot be combined
   * so; says why
   */
  public GraftAdapter combine(String name, String combinationType, Map<String, Double> weights,
      Map<String, ?> settings) {
    return turns.take(() -> {
      adapters.combine(name, combinationType, weights, new Configuration("combine", settings));
      return activated(name);
    });
  }

  private GraftAdapter activated(String name) {
    adapters.activate(name);
    GraftAdapter adapter = new GraftAdapter(this, name);
    handles.put(name, adapter);
    return adapter;
  }

  private String nextName() {
    String name;
    do {
      attached++;
      name = "adapter-" + attached;
    } while (adapters.names().contains(name));
    return name;
  }

  /** Returns the adapters in the order in which they came. */
  public List<GraftAdapter> adapters() {
    return turns.take(() -> List.copyOf(handles.values()));
  }

  /**
   * Returns an adapter by its name.
   *
   * @throws GraftException if there is none; lists those that are there
   */
  public GraftAdapter adapter(String name) {
    return turns.take(() -> {
      adapters.attachment(name);
      return Objects.requireNonNull(handles.get(name));
    });
  }

  /** Returns the adapter that acts; empty if none is active, or adapters are disabled. */
  public Optional<GraftAdapter> active() {
    return turns.take(() -> adapters.active().map(handles::get));
  }

  /** Lets the base model act alone until {@link #enableAdapters}, or until an adapter is activated. */
  public void disableAdapters() {
    turns.run(adapters::disable);
  }

  /** Lets the adapter act again that was active when {@link #disableAdapters} was called. */
  public void enableAdapters() {
    turns.run(adapters::enable);
  }

  /** Frees an adapter's memory. If it was active, the base model acts alone. */
  void remove(String name) {
    if (!closed && handles.containsKey(name)) {
      adapters.delete(name);
      handles.remove(name);
    }
  }

  /** Returns the set that holds the adapters' tensors. */
  AdapterSet set() {
    return adapters;
  }

  /**
   * Returns the model's tokenizer, which is opened at the first call and closed with the model.
   *
   * @throws GraftException if the model has no folder, its tokenizer is faulty, or no jar reads tokenizers
   */
  public TextCodec text() {
    return turns.take(() -> {
      if (text.isEmpty()) {
        Path folder = loaded.orElseThrow(() -> new GraftException(
            "A model without a folder has no tokenizer: hand in tokens")).folder().path();
        text = Optional.of(plugins.textCodec(folder));
      }
      return text.get();
    });
  }

  /**
   * Reads a file of data into the batches of training steps, shuffled anew for each epoch. Samples are cut at 512
   * tokens; see {@link #batches(List, BatchOptions, Consumer)} for more.
   *
   * @param batchSize samples of a step
   * @throws GraftException if the file or a row is faulty, or holds nothing to learn
   */
  public BatchSource batches(Path data, int batchSize) {
    return batches(List.of(data), BatchOptions.of(batchSize), _ -> {
    });
  }

  /**
   * Reads files of data into the batches of training steps, shuffled anew for each epoch.
   *
   * @param notes takes a sentence for each kind of loss, such as words that the chat template drops
   * @throws GraftException if a file or a row is faulty, or they hold nothing to learn
   */
  public BatchSource batches(List<Path> data, BatchOptions options, Consumer<String> notes) {
    int length = (int) Math.min(options.maxLength(), base.model().maxPositions());
    List<? extends TokenSample> samples = text().samples(data, length, notes).stream()
        .filter(sample -> sample.learned() > 0).toList();
    return BucketedBatches.of(samples, options.batchSize(), options.accumulation(), text().paddingId(),
        options.seed());
  }

  /** Answers a user's message by the active adapter, or by the model alone if none is active. */
  public String answer(String message, GenerationOptions options) {
    return answers(List.of(message), options).getFirst();
  }

  /** Answers messages in one batch by the active adapter, or by the model alone if none is active. */
  public List<String> answers(List<String> messages, GenerationOptions options) {
    return turns.take(() -> {
      String name = adapters.active().orElse(BASE);
      return answers(messages.stream().map(_ -> name).toList(), messages, options);
    });
  }

  /**
   * Answers messages in one batch, each by an adapter of its own.
   *
   * @param names of the adapters, one for each message; {@link #BASE} for the model alone
   * @throws GraftException if there is no adapter of a name, or adapters with virtual tokens share the batch with
   * others
   */
  public List<String> answers(List<String> names, List<String> messages, GenerationOptions options) {
    TextCodec codec = text();
    List<long[]> prompts = messages.stream().map(codec::prompt).toList();
    return generate(names, prompts, options.completed(codec), (_, _) -> {
    }).stream().map(codec::decode).map(String::strip).toList();
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

  /** Continues prompts by the active adapter, or by the model alone, and returns each row's new tokens. */
  public List<long[]> generate(List<long[]> prompts, GenerationOptions options) {
    return generate(prompts, options, (_, _) -> {
    });
  }

  /**
   * Continues prompts by the active adapter, or by the model alone if none is active.
   *
   * @param prompts token ids; shorter ones are padded
   * @param listener called with every token as it is chosen
   * @return each row's new tokens, without the one that ended it
   */
  public List<long[]> generate(List<long[]> prompts, GenerationOptions options, TokenListener listener) {
    return turns.take(() -> {
      String name = adapters.active().orElse(BASE);
      return generate(prompts.stream().map(_ -> name).toList(), prompts, options, listener);
    });
  }

  /** Continues prompts in one batch, each by an adapter of its own, and returns each row's new tokens. */
  public List<long[]> generate(List<String> names, List<long[]> prompts, GenerationOptions options) {
    return generate(names, prompts, options, (_, _) -> {
    });
  }

  /**
   * Continues prompts in one batch, each by an adapter of its own.
   *
   * @param names of the adapters, one for each prompt; {@link #BASE} for the model alone
   * @param prompts token ids; shorter ones are padded
   * @param listener called with every token as it is chosen
   * @return each row's new tokens, without the one that ended it
   * @throws GraftException if there is no adapter of a name, or adapters with virtual tokens share the batch with
   * others
   */
  public List<long[]> generate(List<String> names, List<long[]> prompts, GenerationOptions options,
      TokenListener listener) {
    if (names.size() != prompts.size()) {
      throw new GraftException("There are " + prompts.size() + " prompts and " + names.size()
          + " names of adapters: give one for each");
    }
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
    long[][] out = turns
        .take(() -> generator.generate(adapters.rows(names), ids, mask, options, (row, token) -> {
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

  /** Frees the device's memory and closes the folder. */
  @Override
  public void close() {
    turns.run(() -> {
      if (!closed) {
        closed = true;
        generator.close();
        adapters.close();
        handles.clear();
        session.close();
        loaded.ifPresent(LoadedModel::close);
        text.ifPresent(TextCodec::close);
      }
    });
  }
}
