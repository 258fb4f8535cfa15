package dev.graft.core.graphs;

import dev.graft.compiler.pass.Passes;
import dev.graft.core.attach.AdapterTensor;
import dev.graft.core.attach.AdapterWeights;
import dev.graft.core.attach.Attachment;
import dev.graft.core.attach.RandomStream;
import dev.graft.core.weights.BaseModel;
import dev.graft.error.GraftException;
import dev.graft.formats.TensorCasts;
import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import dev.graft.spi.Adapter;
import dev.graft.spi.AttentionAdapter;
import dev.graft.spi.EmbeddingAdapter;
import dev.graft.spi.EmbeddingBase;
import dev.graft.spi.Init;
import dev.graft.spi.InputAdapter;
import dev.graft.spi.LinearAdapter;
import dev.graft.spi.LinearBase;
import dev.graft.spi.ParamSpec;
import dev.graft.spi.Params;
import dev.graft.spi.PeftMethod;
import dev.graft.spi.Program;
import dev.graft.spi.Session;
import dev.graft.spi.Site;
import dev.graft.spi.TextTokens;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import org.apiguardian.api.API;

/** Runs a method's formulas over weights alone: the start of parameters, the merge, and what is stored. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class AdapterFormulas {
  private final BaseModel base;
  private final Session session;
  private final GraphOptions options;
  private final RowGroup group;
  private final Attachment attachment;

  /**
   * Prepares formulas of one adapter.
   *
   * @param session holds the base model's variables, and the adapter's but for {@link #initialise}
   * @param type type of computation, the one in which the session holds the base model
   */
  public AdapterFormulas(BaseModel base, Session session, DType type, String adapter,
      Attachment attachment) {
    this.base = base;
    this.session = session;
    this.options = GraphOptions.evaluation(type);
    this.group = RowGroup.all(adapter, attachment, 1);
    this.attachment = attachment;
  }

  /**
   * Uploads the start of every tensor of a new adapter.
   *
   * @throws GraftException if the start asks for a tokenizer
   */
  public void initialise(long seed) {
    initialise(seed, text -> {
      throw new GraftException("The adapter is to start from the text \"" + text + "\", which takes the base"
          + " model's tokenizer, and there is none");
    });
  }

  /** Uploads the start of every tensor of a new adapter, which may depend on how texts are split. */
  public void initialise(long seed, TextTokens tokens) {
    DType type = options.parameterType();
    Set<String> derived = new LinkedHashSet<>();
    attachment.tensors().forEach((key, tensor) -> {
      HostTensor start;
      if (tensor.baseParameter().isPresent()) {
        start = base.value(tensor.baseParameter().get(), type);
      } else {
        Init init = tensor.spec().orElseThrow().init();
        if (init instanceof Init.Derived) {
          derived.add(key);
          start = HostTensor.zeros(type, tensor.shape());
        } else {
          start = new RandomStream(seed, key).fill(init, type, tensor.shape());
        }
      }
      session.upload(AdapterWeights.variable(group.adapter(), key), start);
    });
    startShared(seed, derived);
    for (Site site : attachment.sites()) {
      Adapter adapter = attachment.adapter(site).orElseThrow();
      Map<String, Tensor> formulas = new LinkedHashMap<>();
      GraphLayers layers = ModelGraphs.weightsOnly(base, options, group);
      Params params = new StartParams(layers.params(group, site.name(), adapter), seed, site.name(), type);
      List<ParamSpec> specs = new ArrayList<>(adapter.parameters());
      if (adapter instanceof InputAdapter) {
        specs.addAll(attachment.shared());
      }
      for (ParamSpec spec : specs) {
        String key = attachment.key(site.name(), adapter, spec.name()).orElseThrow();
        if (derived.remove(key)) {
          formulas.put(key, start(layers, site, adapter, spec.name(), params, tokens).cast(type));
        }
      }
      upload(run("start of " + site.name(), formulas));
    }
    if (!derived.isEmpty()) {
      throw new GraftException("Method " + attachment.method().id() + " declares a derived start for "
          + String.join(", ", derived) + ", which no site has a formula for");
    }
  }

  /** Uploads the derived starts of shared parameters, unless the adapter of the model's input has them. */
  private void startShared(long seed, Set<String> derived) {
    if (attachment.sites().stream().anyMatch(Site.Input.class::isInstance)) {
      return;
    }
    DType type = options.parameterType();
    GraphLayers layers = ModelGraphs.weightsOnly(base, options, group);
    Params params = new StartParams(layers.sharedParams(group), seed, "", type);
    Map<String, Tensor> formulas = new LinkedHashMap<>();
    for (ParamSpec spec : attachment.shared()) {
      if (derived.remove(spec.key())) {
        formulas.put(spec.key(), attachment
            .initial(spec.name(), new NamedBaseLayers(layers, group, base.outline()), params).cast(type));
      }
    }
    upload(run("start of shared parameters", formulas));
  }

  private void upload(Map<String, HostTensor> starts) {
    starts.forEach((key, value) -> {
      AdapterTensor tensor = Objects.requireNonNull(attachment.tensors().get(key));
      if (!value.shape().equals(tensor.shape())) {
        throw new GraftException("Method " + attachment.method().id() + " computes a start of "
            + value.shape() + " for " + key + ", which it declares as " + tensor.shape());
      }
      session.upload(AdapterWeights.variable(group.adapter(), key), value);
    });
  }

  private Tensor start(GraphLayers layers, Site site, Adapter adapter, String parameter, Params params,
      TextTokens tokens) {
    return switch (adapter) {
      case LinearAdapter linear -> linear.initial(parameter, linearBase(layers, (Site.Linear) site), params);
      case EmbeddingAdapter embedding -> embedding.initial(parameter, table(layers, site.name()), params);
      case InputAdapter input -> input.initial(parameter, table(layers, site.name()), tokens);
      case AttentionAdapter _ -> throw new GraftException("Method " + attachment.method().id()
          + " declares a derived start for " + parameter + ", which attention layers do not have");
    };
  }

  private EmbeddingBase table(GraphLayers layers, String name) {
    Shape shape = Objects.requireNonNull(base.outline().parameters().get(name + ".weight"));
    return layers.embeddingBase(group, name, shape.dim(0), shape.dim(1));
  }

  private LinearBase linearBase(GraphLayers layers, Site.Linear site) {
    return layers.linearBase(group, site);
  }

  /**
   * Returns the base parameters that the adapter's merge changes, by name, in the checkpoint's orientation; a
   * tied head's weight is among them if the merge {@linkplain #unties unties} it.
   *
   * @throws GraftException if the method cannot be merged
   */
  public Map<String, HostTensor> merge() {
    boolean untied = unties(base, attachment);
    changedParameters(base, attachment, untied);
    Map<String, HostTensor> merged = new LinkedHashMap<>(replacements());
    attachment.sites().forEach(site -> merged.putAll(merge(site, untied)));
    if (untied) {
      base.outline().tied().keySet()
          .forEach(own -> merged.computeIfAbsent(own, name -> base.value(name, options.parameterType())));
    }
    return merged;
  }

  /**
   * Tells whether the adapter has a value of its own for a tied head or for its embedding, so that they are two
   * once it is merged.
   */
  public static boolean unties(BaseModel base, Attachment attachment) {
    return base.outline().tied().entrySet().stream()
        .anyMatch(
            tie -> !attachment.replacement(tie.getKey()).equals(attachment.replacement(tie.getValue())));
  }

  /**
   * Returns the names of the base parameters that the adapter's merge changes.
   *
   * @param untied whether a tied head is to get a weight of its own
   * @throws GraftException if the method cannot be merged, or if a parameter would have to take two changes
   */
  public static Set<String> changedParameters(BaseModel base, Attachment attachment, boolean untied) {
    Map<String, String> changing = new LinkedHashMap<>();
    attachment.tensors().values()
        .forEach(tensor -> tensor.baseParameter().ifPresent(name -> changing.put(name, "")));
    for (Site site : attachment.sites()) {
      for (String parameter : changedParameters(base, attachment, site, untied)) {
        String other = changing.put(parameter, site.name());
        if (other != null && !other.isEmpty()) {
          throw new GraftException("The adapter changes " + other + " and " + site.name()
              + ", which share " + parameter
              + " in this model: one tensor cannot hold both changes. Untie them in"
              + " the merge (--untie), or keep the adapter apart and load it with the base");
        }
      }
    }
    return changing.keySet();
  }

  /** Returns the base parameters that the adapter has values of its own for, by name. */
  public Map<String, HostTensor> replacements() {
    Map<String, HostTensor> values = new LinkedHashMap<>();
    attachment.tensors().values().forEach(tensor -> tensor.baseParameter().ifPresent(parameter -> values
        .put(parameter, session.download(AdapterWeights.variable(group.adapter(), tensor.key())))));
    return values;
  }

  /**
   * Returns the base parameters that the merge of a site reads, which are those that it changes unless it
   * unties a head.
   *
   * @throws GraftException if the site cannot be merged
   */
  public static Set<String> mergedParameters(BaseModel base, Attachment attachment, Site site) {
    return changedParameters(base, attachment, site, false);
  }

  private static Set<String> changedParameters(BaseModel base, Attachment attachment, Site site,
      boolean untied) {
    Set<String> names = new LinkedHashSet<>();
    switch (site) {
      case Site.Linear linear -> {
        names.add(changed(base, linear.name() + ".weight", untied));
        if (linear.bias()) {
          names.add(linear.name() + ".bias");
        }
      }
      case Site.Embedding table -> names.add(table.name() + ".weight");
      case Site.Attention _,Site.Input _ -> throw cannotMerge(attachment);
    }
    return names;
  }

  private static String changed(BaseModel base, String parameter, boolean untied) {
    return untied ? parameter : base.outline().stored(parameter);
  }

  /**
   * Returns the base parameters that the merge of one site changes, by name, in the checkpoint's orientation.
   * The session needs no other variables of the base model than {@link #mergedParameters}.
   *
   * @param untied whether a tied head is to get a weight of its own, rather than change the embedding's
   * @throws GraftException if the method cannot be merged
   */
  public Map<String, HostTensor> merge(Site site, boolean untied) {
    Adapter adapter = attachment.adapter(site).orElseThrow();
    GraphLayers layers = ModelGraphs.weightsOnly(base, options, group);
    Params params = layers.params(group, site.name(), adapter);
    Map<String, Tensor> formulas = new LinkedHashMap<>();
    switch (site) {
      case Site.Linear linear when adapter instanceof LinearAdapter formula -> {
        LinearAdapter.Merged result = formula.merge(linearBase(layers, linear), params)
            .orElseThrow(this::cannotMerge);
        formulas.put(changed(base, site.name() + ".weight", untied),
            linear.transposed() ? result.weight().permute(1, 0) : result.weight());
        if (result.bias().isPresent() && !linear.bias()) {
          throw new GraftException("Merging would give " + site.name()
              + " a bias, which this layer of the base model does not have: keep the adapter apart");
        }
        result.bias().ifPresent(bias -> formulas.put(site.name() + ".bias", bias));
      }
      case Site.Embedding table when adapter instanceof EmbeddingAdapter formula -> formulas.put(
          table.name() + ".weight",
          formula.merge(layers.embeddingBase(group, table.name(), table.vocabulary(), table.dim()), params)
              .orElseThrow(this::cannotMerge));
      case Site.Linear _,Site.Embedding _,Site.Attention _,Site.Input _ -> throw cannotMerge();
    }
    formulas.replaceAll((name, tensor) -> tensor.cast(options.parameterType()));
    return run("merge of " + site.name(), formulas);
  }

  private GraftException cannotMerge() {
    return cannotMerge(attachment);
  }

  private static GraftException cannotMerge(Attachment attachment) {
    return new GraftException("Method " + attachment.method().id()
        + " cannot be merged into the base model: what it adds is not a change of weights. Keep the adapter"
        + " apart and load it with the base");
  }

  /** Returns the tensors that the adapter file holds, by key. */
  public Map<String, HostTensor> stored() {
    PeftMethod.Export export = export();
    Map<String, HostTensor> values = download(tensor -> !export.replaces().contains(tensor.key()));
    values.putAll(run("export", export.tensors()));
    values.replaceAll((_, value) -> value.dtype().isFloating() ? TensorCasts.cast(value, DType.F32) : value);
    return values;
  }

  /**
   * Saves the adapter: what PEFT stores in its format, and what only training needs beside it.
   *
   * @param basePath what {@code base_model_name_or_path} becomes
   */
  public void save(Path folder, String basePath) {
    PeftMethod.Export export = export();
    AdapterWeights.save(folder, attachment, stored(),
        download(tensor -> export.replaces().contains(tensor.key())),
        name -> base.value(name, DType.F32), basePath);
  }

  /** Returns what the method stores instead of parameters, both by whole keys. */
  private PeftMethod.Export export() {
    GraphLayers layers = ModelGraphs.weightsOnly(base, options, group);
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    List<String> replaces = new ArrayList<>();
    attachment.export(sharedParams(layers)).ifPresent(export -> {
      tensors.putAll(export.tensors());
      export.replaces().forEach(name -> replaces.add(replaced(attachment.sharedKey(name), name)));
    });
    for (Site site : attachment.sites()) {
      Adapter adapter = attachment.adapter(site).orElseThrow();
      adapter.export(layers.params(group, site.name(), adapter)).ifPresent(export -> {
        export.tensors().forEach((key, value) -> tensors.put(Attachment.key(site, key), value));
        export.replaces()
            .forEach(name -> replaces.add(replaced(Attachment.ownKey(site, adapter, name), name)));
      });
    }
    return new PeftMethod.Export(tensors, replaces);
  }

  private Params sharedParams(GraphLayers layers) {
    return attachment.sites().isEmpty()
        ? layers.sharedParams(group)
        : layers.params(group, attachment.sites().getFirst().name(),
            attachment.adapter(attachment.sites().getFirst()).orElseThrow());
  }

  private String replaced(Optional<String> key, String name) {
    return key.orElseThrow(() -> new GraftException("Method " + attachment.method().id()
        + " stores something instead of parameter \"" + name + "\", which it does not declare there"));
  }

  private Map<String, HostTensor> download(Predicate<AdapterTensor> chosen) {
    Map<String, HostTensor> values = new LinkedHashMap<>();
    attachment.tensors().values().stream().filter(chosen).forEach(tensor -> values.put(tensor.key(),
        session.download(AdapterWeights.variable(group.adapter(), tensor.key()))));
    return values;
  }

  private Map<String, HostTensor> run(String name, Map<String, Tensor> formulas) {
    if (formulas.isEmpty()) {
      return Map.of();
    }
    try (Program program = session.compile(Passes.standard().apply(Graph.of(name, formulas, List.of())))) {
      return program.run(Map.of());
    }
  }
}
