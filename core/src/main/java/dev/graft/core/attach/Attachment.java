package dev.graft.core.attach;

import dev.graft.error.GraftException;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import dev.graft.spi.Adapter;
import dev.graft.spi.AdapterParams;
import dev.graft.spi.BaseLayers;
import dev.graft.spi.Configuration;
import dev.graft.spi.ModelOutline;
import dev.graft.spi.ParamSpec;
import dev.graft.spi.ParamUpdate;
import dev.graft.spi.Params;
import dev.graft.spi.PeftMethod;
import dev.graft.spi.Site;
import dev.graft.spi.StepParams;
import dev.graft.spi.Targets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.apiguardian.api.API;
import org.jspecify.annotations.Nullable;

/** Binds a method and its configuration to a model: what acts where, and which tensors that takes. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class Attachment {
  /**
   * The release of PEFT whose fields and keys are written, and against which the recorded cases were made. PEFT
   * reads adapters of older releases as they are, and takes a newer version for a reason to warn.
   */
  private static final String PEFT_VERSION = "0.21.0";
  private static final String PREFIX = "base_model.model.";
  private static final Set<String> EMBEDDINGS_SAVED_WITH_ADAPTER = Set.of("embed_tokens", "lm_head");

  private final Bound<?> bound;
  private final ModelOutline outline;
  private final Map<String, Object> source;
  private final boolean isStored;
  private final Map<String, Adapter> adapters = new LinkedHashMap<>();
  private final List<Site> sites;
  private final List<ParamSpec> shared;
  private final Map<String, AdapterTensor> tensors = new LinkedHashMap<>();
  private final Map<String, AdapterTensor> replaced = new LinkedHashMap<>();
  private final Map<String, String> aliases = new LinkedHashMap<>();
  private final List<String> notes = new ArrayList<>();

  private record Bound<C>(PeftMethod<C> method, C configuration) {
    static <C> Bound<C> read(PeftMethod<C> method, Configuration json, ModelOutline outline,
        boolean training) {
      C read = method.read(json);
      json.finish();
      C configuration = method.resolved(read, outline);
      return new Bound<>(method, training ? configuration : method.forInference(configuration));
    }

    Targets targets() {
      return method.targets(configuration);
    }

    Optional<Bound<C>> scaled(double factor) {
      return method.scaled(configuration, factor).map(scaled -> new Bound<>(method, scaled));
    }

    Optional<Adapter> adapter(Site site) {
      return method.adapter(configuration, site);
    }

    List<ParamSpec> shared(ModelOutline outline, List<Site> selected) {
      return method.shared(configuration, outline, selected);
    }

    Tensor initial(String parameter, BaseLayers base, Params p) {
      return method.initial(configuration, parameter, base, p);
    }

    Optional<Tensor> penalty(AdapterParams p) {
      return method.penalty(configuration, p);
    }

    List<ParamUpdate> afterStep(StepParams p) {
      return method.afterStep(configuration, p);
    }

    Optional<PeftMethod.Export> export(Params p) {
      return method.export(configuration, p);
    }

    boolean ignores(String key) {
      return method.ignores(key);
    }

    Map<String, @Nullable Object> write() {
      return method.write(configuration);
    }

    int virtualTokens() {
      return method.virtualTokens(configuration);
    }
  }

  /**
   * Binds a method.
   *
   * @param json the adapter's configuration, as {@code adapter_config.json} has it; what a {@linkplain
   *   Configuration#isStored stored} one names and the model lacks becomes a note
   * @param training whether parameters that only training needs are wanted
   * @throws GraftException if the configuration is faulty or a target hits nothing
   */
  public Attachment(PeftMethod<?> method, Configuration json, ModelOutline outline, boolean training) {
    this(Bound.read(method, json, outline, training), outline, json.values(), json.isStored());
    notes.addAll(0, json.notes());
  }

  private Attachment(Bound<?> bound, ModelOutline outline, Map<String, Object> source, boolean isStored) {
    this.bound = bound;
    this.outline = outline;
    this.source = source;
    this.isStored = isStored;
    Targets targets = bound.targets();
    TargetRules rules = new TargetRules(targets, outline, isStored);
    this.sites = rules.sites().stream().filter(site -> bound.adapter(site).isPresent()).toList();
    this.shared = bound.shared(outline, sites);
    for (ParamSpec spec : shared) {
      add(new AdapterTensor(spec.key(), spec.shape(), spec.trainable(), "", Optional.of(spec),
          Optional.empty()));
    }
    for (Site site : sites) {
      Adapter adapter = bound.adapter(site).orElseThrow();
      adapters.put(site.name() + kind(site), adapter);
      for (ParamSpec spec : adapter.parameters()) {
        add(new AdapterTensor(PREFIX + site.name() + "." + spec.key(), spec.shape(), spec.trainable(),
            site.name(), Optional.of(spec), Optional.empty()));
      }
    }
    Set<String> saved = rules.savedParameters();
    saved.forEach(parameter -> replace(parameter, PREFIX + parameter));
    rules.wholeParameters().forEach((parameter, wrapper) -> {
      // As in PEFT, a module that is saved as a whole anyway gets no wrapper.
      if (!saved.contains(parameter)) {
        String module = TargetRules.module(parameter);
        replace(parameter, PREFIX + module + "." + wrapper + parameter.substring(module.length()));
      }
    });
    notes.addAll(rules.notes());
    Set<String> adapted = new LinkedHashSet<>(sites.stream().map(Site::name).toList());
    for (String parameter : outline.parameters().keySet()) {
      if (parameter.endsWith(".bias") && !replaced.containsKey(parameter)) {
        String module = TargetRules.module(parameter);
        boolean here = adapted.contains(module);
        boolean learns = switch (targets.bias()) {
          case NONE -> false;
          case ALL -> true;
          case ADAPTED_ONLY -> here;
        };
        if (learns) {
          replace(parameter, PREFIX + module + (here ? ".base_layer.bias" : ".bias"));
        }
      }
    }
    aliases.keySet().stream().filter(tensors::containsKey).findFirst().ifPresent(key -> {
      throw declaredTwice(key);
    });
  }

  /** Keeps an embedding's lookup apart from the model's input, which bears its name. */
  private static String kind(Site site) {
    return switch (site) {
      case Site.Input _ -> " input";
      case Site.Linear _,Site.Embedding _,Site.Attention _ -> "";
    };
  }

  private void replace(String parameter, String key) {
    AdapterTensor tensor = new AdapterTensor(key,
        shape(parameter), true, TargetRules.module(parameter), Optional.empty(), Optional.of(parameter));
    add(tensor);
    replaced.put(parameter, tensor);
  }

  private Shape shape(String parameter) {
    return Objects.requireNonNull(outline.parameters().get(outline.stored(parameter)));
  }

  /**
   * Returns the same adapter with frozen values of its own for some tables of the base.
   *
   * @param keys in the adapter file, and the base parameter that each takes the place of; of {@link #baseCopies}
   * @param remarks notes on them
   */
  Attachment withTables(Map<String, String> keys, List<String> remarks) {
    Attachment copy = new Attachment(bound, outline, source, isStored);
    copy.notes.clear();
    copy.notes.addAll(notes);
    copy.notes.addAll(remarks);
    Map<String, AdapterTensor> byParameter = new LinkedHashMap<>();
    keys.forEach((key, parameter) -> byParameter.computeIfAbsent(parameter, name -> {
      AdapterTensor tensor = new AdapterTensor(key, shape(name), false, TargetRules.module(name),
          Optional.empty(), Optional.of(name));
      copy.add(tensor);
      return tensor;
    }));
    byParameter.forEach(copy.replaced::putIfAbsent);
    // One tensor serves the embedding and the head where the base has but one.
    outline.tied().forEach((own, table) -> Optional.ofNullable(byParameter.get(table))
        .ifPresent(tensor -> copy.replaced.putIfAbsent(own, tensor)));
    return copy;
  }

  private void add(AdapterTensor tensor) {
    if (tensors.put(tensor.key(), tensor) != null) {
      throw declaredTwice(tensor.key());
    }
    for (String alias : tensor.spec().map(ParamSpec::aliases).orElse(List.of())) {
      if (aliases.put(alias, tensor.key()) != null) {
        throw declaredTwice(alias);
      }
    }
  }

  private GraftException declaredTwice(String key) {
    return new GraftException("Method " + bound.method().id() + " declares " + key + " twice");
  }

  /** Returns the further keys under which the adapter file holds tensors, and each one's own key. */
  public Map<String, String> aliases() {
    return Collections.unmodifiableMap(aliases);
  }

  /** Returns the method. */
  public PeftMethod<?> method() {
    return bound.method();
  }

  /**
   * Returns the same adapter with its effect multiplied by a factor.
   *
   * @throws GraftException if the method has no such scale
   */
  public Attachment scaled(double factor) {
    Bound<?> scaled = bound.scaled(factor).orElseThrow(() -> new GraftException(
        "Method " + bound.method().id() + " has no scale: its adapters act as they are or not at all"));
    Attachment copy = new Attachment(scaled, outline, source, isStored);
    Map<String, String> tables = new LinkedHashMap<>();
    tensors.values().stream().filter(tensor -> !copy.tensors.containsKey(tensor.key()))
        .forEach(tensor -> tables.put(tensor.key(), tensor.baseParameter().orElseThrow()));
    return tables.isEmpty() ? copy : copy.withTables(tables, List.of());
  }

  /** Returns what its user should know: what was stored and has no effect here. */
  public List<String> notes() {
    return List.copyOf(notes);
  }

  /** Tells whether a tensor of the adapter file that is none of the adapter's has no effect. */
  boolean ignores(String key) {
    return bound.ignores(key);
  }

  /** Returns the adapted sites in the model's order. */
  public List<Site> sites() {
    return sites;
  }

  /** Returns what acts at a site. */
  public Optional<Adapter> adapter(Site site) {
    return Optional.ofNullable(adapters.get(site.name() + kind(site)));
  }

  /** Returns the parameters that all sites share. */
  public List<ParamSpec> shared() {
    return shared;
  }

  /** Returns every tensor of the adapter by key, in the model's order. */
  public Map<String, AdapterTensor> tensors() {
    return Collections.unmodifiableMap(tensors);
  }

  /** Returns the tensors that learn. */
  public List<AdapterTensor> trainable() {
    return tensors.values().stream().filter(AdapterTensor::trainable).toList();
  }

  /** Returns the tensor that takes a base parameter's place. */
  public Optional<AdapterTensor> replacement(String baseParameter) {
    return Optional.ofNullable(replaced.get(baseParameter));
  }

  /** Returns the key of a site's parameter, or of a shared one where the site has none of that name. */
  public Optional<String> key(String site, Adapter adapter, String name) {
    return ownKey(site, adapter, name).or(() -> sharedKey(name));
  }

  /** Returns the key of a site's parameter. */
  public static Optional<String> ownKey(Site site, Adapter adapter, String name) {
    return ownKey(site.name(), adapter, name);
  }

  private static Optional<String> ownKey(String site, Adapter adapter, String name) {
    return adapter.parameters().stream().filter(spec -> spec.name().equals(name))
        .map(spec -> PREFIX + site + "." + spec.key()).findFirst();
  }

  /** Returns the whole key of what a site stores under a key of its own. */
  public static String key(Site site, String key) {
    return PREFIX + site.name() + "." + key;
  }

  /** Returns the fault of a method that asks for a parameter which it does not declare. */
  public GraftException undeclared(String parameter, String site) {
    return new GraftException("Method " + method().id() + " asks for "
        + (site.isEmpty()
            ? "shared parameter \"" + parameter + "\""
            : "parameter \"" + parameter + "\" at " + site)
        + ", which it does not declare");
  }

  /** Returns the key of a parameter that all sites share. */
  public Optional<String> sharedKey(String name) {
    return shared.stream().filter(spec -> spec.name().equals(name)).map(ParamSpec::key).findFirst();
  }

  /** Returns how many positions the method puts before every sequence. */
  public int virtualTokens() {
    return bound.virtualTokens();
  }

  /** Returns the start of a shared parameter that is derived from the base model. */
  public Tensor initial(String parameter, BaseLayers base, Params p) {
    return bound.initial(parameter, base, p);
  }

  /** Returns what a training step adds to its loss. */
  public Optional<Tensor> penalty(AdapterParams p) {
    return bound.penalty(p);
  }

  /** Returns what becomes of parameters at the end of a training step. */
  public List<ParamUpdate> afterStep(StepParams p) {
    return bound.afterStep(p);
  }

  /** Returns what the method stores instead of some shared parameters. */
  public Optional<PeftMethod.Export> export(Params p) {
    return bound.export(p);
  }

  /**
   * Returns keys of frozen base tensors that an adapter file may hold too, with the base parameter each must
   * equal: PEFT stores the table under an adapted embedding or head, and the others too if it is asked to
   * (save_embedding_layers).
   */
  public Map<String, String> baseCopies() {
    Map<String, String> copies = new LinkedHashMap<>(adaptedTables());
    for (Site site : outline.sites()) {
      if (isTable(site)) {
        copies.putIfAbsent(PREFIX + site.name() + ".weight", outline.stored(site.name() + ".weight"));
      }
    }
    return copies;
  }

  /** Returns which of {@link #baseCopies} PEFT would write for these targets. */
  public Map<String, String> writtenBaseCopies() {
    boolean written = bound.targets().selection() instanceof Targets.Selection.Names names
        && names.entries().stream().anyMatch(EMBEDDINGS_SAVED_WITH_ADAPTER::contains);
    return written ? adaptedTables() : Map.of();
  }

  private Map<String, String> adaptedTables() {
    Map<String, String> tables = new LinkedHashMap<>();
    sites.stream().filter(Attachment::isTable).forEach(site -> tables
        .put(PREFIX + site.name() + ".base_layer.weight", outline.stored(site.name() + ".weight")));
    return tables;
  }

  /** Tells whether a length of an axis is the vocabulary of the table that a tensor belongs to. */
  boolean isVocabulary(String key, long length) {
    return outline.sites().stream()
        .filter(site -> isTable(site) && key.startsWith(PREFIX + site.name() + "."))
        .anyMatch(site -> shape(site.name() + ".weight").dim(0) == length);
  }

  private static boolean isTable(Site site) {
    return site instanceof Site.Embedding || site instanceof Site.Linear linear && linear.head();
  }

  /**
   * Returns {@code adapter_config.json}: the method's fields, what every adapter has, and the fields of the
   * configuration it was read from that neither knows.
   *
   * @param basePath what {@code base_model_name_or_path} becomes
   */
  public Map<String, @Nullable Object> config(String basePath) {
    Map<String, @Nullable Object> config = new TreeMap<>(source);
    config.putAll(bound.write());
    config.put("peft_type", bound.method().peftType());
    config.put("base_model_name_or_path", basePath);
    config.put("inference_mode", true);
    config.putIfAbsent("task_type", "CAUSAL_LM");
    config.putIfAbsent("peft_version", PEFT_VERSION);
    if (bound.targets().selection() instanceof Targets.Selection.AllLinear) {
      config.put("target_modules", sites.stream().map(Site::name).toList());
    }
    return config;
  }
}
