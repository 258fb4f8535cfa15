package dev.graft.core.graphs;

import dev.graft.compiler.autodiff.CheckpointedBlock;
import dev.graft.core.attach.AdapterTensor;
import dev.graft.core.attach.AdapterWeights;
import dev.graft.core.attach.Attachment;
import dev.graft.core.batch.Packing;
import dev.graft.core.batch.SequenceLayout;
import dev.graft.core.weights.BaseModel;
import dev.graft.error.GraftException;
import dev.graft.graph.Assignment;
import dev.graft.graph.DType;
import dev.graft.graph.Scope;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import dev.graft.graph.nn.Attention;
import dev.graft.graph.nn.Dropout;
import dev.graft.spi.Adapter;
import dev.graft.spi.AttentionAdapter;
import dev.graft.spi.AttentionSpec;
import dev.graft.spi.EmbeddingAdapter;
import dev.graft.spi.EmbeddingBase;
import dev.graft.spi.InputAdapter;
import dev.graft.spi.Layers;
import dev.graft.spi.LinearAdapter;
import dev.graft.spi.LinearBase;
import dev.graft.spi.Params;
import dev.graft.spi.Site;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.UnaryOperator;

/** Builds a model's graph over its weights and the adapters that act on it. */
final class GraphLayers implements Layers {
  private final BaseModel base;
  private final GraphOptions options;
  private final List<RowGroup> groups;
  private final SequenceLayout sequence;
  private final Optional<Packing> packing;
  private final Map<String, Tensor> variables = new LinkedHashMap<>();
  private final Map<String, Integer> dropouts = new HashMap<>();
  private final List<CheckpointedBlock> blocks = new ArrayList<>();
  private final List<Assignment> cacheUpdates = new ArrayList<>();

  /**
   * Prepares to build.
   *
   * @param packing of the tokens, empty if they come in rows
   */
  GraphLayers(BaseModel base, GraphOptions options, List<RowGroup> groups, SequenceLayout sequence,
      Optional<Packing> packing) {
    this.base = base;
    this.options = options;
    this.groups = groups;
    this.sequence = sequence;
    this.packing = packing;
  }

  List<CheckpointedBlock> blocks() {
    return blocks;
  }

  /** Returns the writes to the cache of keys and values; empty unless decoding. */
  List<Assignment> cacheUpdates() {
    return cacheUpdates;
  }

  /** Returns the variable of an adapter's tensor, one node however often it is used. */
  Tensor variable(String adapter, AdapterTensor tensor) {
    return variables.computeIfAbsent(AdapterWeights.variable(adapter, tensor.key()),
        name -> Tensor.variable(name, options.parameterType(), tensor.shape()));
  }

  @Override
  public DType computeType() {
    return options.computeType();
  }

  @Override
  public Tensor parameter(String name, long... shape) {
    // What a family reads by itself has no rows, so it can be one adapter's only if it is everyone's.
    long values = groups.stream()
        .map(group -> group.attachment().flatMap(a -> a.replacement(name)).map(_ -> group.adapter()))
        .distinct().count();
    if (values > 1) {
      throw new GraftException("Adapters that train " + name + " as a whole cannot share a batch with others:"
          + " run their rows by themselves");
    }
    return parameter(groups.getFirst(), name, Shape.of(shape));
  }

  private Tensor parameter(RowGroup group, String name, Shape shape) {
    return replacement(group, name).orElseGet(() -> baseParameter(name, shape));
  }

  private Optional<Tensor> replacement(RowGroup group, String name) {
    return group.attachment().flatMap(attachment -> attachment.replacement(name))
        .map(tensor -> variable(group.adapter(), tensor).cast(computeType()));
  }

  private Tensor baseParameter(String name, Shape shape) {
    return variables.computeIfAbsent(name, n -> base.read(n, shape, computeType()));
  }

  @Override
  public Tensor embedding(String name, Tensor ids, long vocabulary, long dim) {
    Site site = new Site.Embedding(name, vocabulary, dim);
    return Scope.at(name, () -> rows(ids, (group, part) -> {
      EmbeddingBase table = embeddingBase(group, name, vocabulary, dim);
      return adapter(group, site).map(adapter -> ((EmbeddingAdapter) adapter).forward(table,
          new SiteParams(group, name, adapter), part)).orElseGet(() -> table.forward(part));
    }));
  }

  EmbeddingBase embeddingBase(RowGroup group, String name, long vocabulary, long dim) {
    Tensor weight = parameter(group, name + ".weight", Shape.of(vocabulary, dim));
    return new EmbeddingBase() {
      @Override
      public Tensor forward(Tensor ids) {
        return weight.gather(0, ids);
      }

      @Override
      public Tensor weight() {
        return weight;
      }
    };
  }

  @Override
  public Tensor linear(String name, Tensor x, long out, boolean bias) {
    return linear(new Site.Linear(name, x.dim(-1), out, bias, false, false), x);
  }

  @Override
  public Tensor transposedLinear(String name, Tensor x, long out) {
    return linear(new Site.Linear(name, x.dim(-1), out, true, true, false), x);
  }

  @Override
  public Tensor head(String name, Tensor x, long vocabulary, String tiedTo) {
    return linear(new Site.Linear(name, x.dim(-1), vocabulary, false, false, true), x);
  }

  private Tensor linear(Site.Linear site, Tensor x) {
    return Scope.at(site.name(), () -> rows(x, (group, part) -> {
      LinearBase layer = linearBase(group, site);
      return adapter(group, site).map(adapter -> ((LinearAdapter) adapter).forward(layer,
          new SiteParams(group, site.name(), adapter), part)).orElseGet(() -> layer.forward(part));
    }));
  }

  LinearBase linearBase(RowGroup group, Site.Linear site) {
    Shape stored = site.transposed() ? Shape.of(site.in(), site.out()) : Shape.of(site.out(), site.in());
    // PEFT trains a copy of the named module alone: a head tied to a replaced table keeps the base's own.
    String own = site.name() + ".weight";
    Tensor weight = replacement(group, own)
        .orElseGet(() -> baseParameter(base.outline().stored(own), stored));
    Optional<Tensor> bias = site.bias()
        ? Optional.of(parameter(group, site.name() + ".bias", Shape.of(site.out())))
        : Optional.empty();
    return new LinearBase() {
      @Override
      public Tensor forward(Tensor x) {
        Tensor y = site.transposed()
            ? x.reshape(x.shape().with(-1, 1).size(), site.in()).matmul(weight)
                .reshape(x.shape().with(-1, site.out()))
            : x.linear(weight);
        return bias.map(y::plus).orElse(y);
      }

      @Override
      public Tensor weight() {
        return site.transposed() ? weight.permute(1, 0) : weight;
      }

      @Override
      public Optional<Tensor> bias() {
        return bias;
      }
    };
  }

  private static Optional<Adapter> adapter(RowGroup group, Site site) {
    return group.attachment().flatMap(a -> a.adapter(site));
  }

  /** Applies each group's formula to its rows. */
  private Tensor rows(Tensor x, RowFormula formula) {
    if (groups.size() == 1) {
      return formula.apply(groups.getFirst(), x);
    }
    // The head sees [rows · seq, hidden]: each row of the batch is a run of equal length there.
    long run = x.dim(0) / sequence.rows();
    List<Tensor> parts = new ArrayList<>();
    for (RowGroup group : groups) {
      parts.add(formula.apply(group, x.slice(0, group.from() * run, group.to() * run)));
    }
    return Tensor.concat(0, parts);
  }

  private interface RowFormula {
    Tensor apply(RowGroup group, Tensor rows);
  }

  @Override
  public Tensor input(String name, Tensor embeddings) {
    RowGroup group = groups.getFirst();
    Site site = new Site.Input(name, embeddings.dim(-1));
    Optional<Adapter> adapter = adapter(group, site);
    if (adapter.isEmpty() || sequence.continuing()) {
      return embeddings;
    }
    return Scope.at(name, () -> {
      Tensor extra = ((InputAdapter) adapter.get()).embeddings(new SiteParams(group, name, adapter.get()));
      return packing.map(all -> all.withInput(extra, embeddings))
          .orElseGet(() -> beforeEveryRow(extra, embeddings));
    });
  }

  private static Tensor beforeEveryRow(Tensor extra, Tensor embeddings) {
    Shape shape = Shape.of(embeddings.dim(0), extra.dim(0), extra.dim(1));
    return Tensor.concat(1,
        List.of(extra.reshape(1, extra.dim(0), extra.dim(1)).broadcastTo(shape), embeddings));
  }

  @Override
  public Tensor attention(String name, AttentionSpec spec, Tensor q, Tensor k, Tensor v) {
    return Scope.at(name, () -> packing
        .map(all -> all
            .outOfRows(attend(name, spec, all.intoRows(q), all.intoRows(k), all.intoRows(v))))
        .orElseGet(() -> attend(name, spec, q, k, v)));
  }

  private Tensor attend(String name, AttentionSpec spec, Tensor q, Tensor k, Tensor v) {
    Tensor keys = k;
    Tensor values = v;
    Site site = new Site.Attention(name, spec.layer(), q.dim(1), k.dim(1), q.dim(3));
    Optional<Adapter> adapter = adapter(groups.getFirst(), site);
    if (adapter.isPresent() && !sequence.continuing()) {
      AttentionAdapter prefix = (AttentionAdapter) adapter.get();
      Params params = new SiteParams(groups.getFirst(), name, prefix);
      keys = Tensor.concat(2, List.of(everyRow(prefix.keys(params)), k));
      values = Tensor.concat(2, List.of(everyRow(prefix.values(params)), v));
    }
    if (sequence.cacheLength() > 0) {
      Tensor cachedKeys = cache(spec.layer(), "keys", keys);
      Tensor cachedValues = cache(spec.layer(), "values", values);
      if (sequence.continuing()) {
        keys = cachedKeys;
        values = cachedValues;
      }
    }
    List<Tensor> operands = new ArrayList<>(List.of(q, keys, values));
    sequence.mask(keys.dim(2), spec.window()).ifPresent(operands::add);
    // What decoding sees is up to the slot that is fed, and so to the mask.
    long window = sequence.continuing() || spec.window() >= keys.dim(2) ? 0 : spec.window();
    boolean causal = !sequence.continuing() && q.dim(2) > 1 || window > 0;
    return Tensor.of(new Attention(spec.scale(), causal, window, spec.softcap()), operands);
  }

  private Tensor everyRow(Tensor prefix) {
    return prefix.reshape(1, prefix.dim(0), prefix.dim(1), prefix.dim(2))
        .broadcastTo(Shape.of(sequence.rows(), prefix.dim(0), prefix.dim(1), prefix.dim(2)));
  }

  private Tensor cache(int layer, String what, Tensor update) {
    Shape shape = update.shape().with(2, sequence.cacheLength());
    Tensor variable = Tensor.variable(DecodeCache.name(sequence.rows(), sequence.cacheLength(), layer, what),
        computeType(), shape);
    Tensor written = variable.put(2, sequence.slots(update.dim(2)), update);
    cacheUpdates.add(new Assignment(variable, written));
    return written;
  }

  @Override
  public Tensor block(String name, Tensor x, UnaryOperator<Tensor> body) {
    Tensor y = body.apply(x);
    if (options.checkpoint()) {
      blocks.add(CheckpointedBlock.between(x, y));
    }
    return y;
  }

  /** Gives a formula its parameters, those of its site first. */
  private final class SiteParams implements Params {
    private final RowGroup group;
    private final String site;
    private final Function<String, Optional<String>> keys;

    SiteParams(RowGroup group, String site, Adapter adapter) {
      this.group = group;
      this.site = site;
      this.keys = name -> group.attachment().orElseThrow().key(site, adapter, name);
    }

    /** Gives what all sites share. */
    SiteParams(RowGroup group) {
      this.group = group;
      this.site = "";
      this.keys = name -> group.attachment().orElseThrow().sharedKey(name);
    }

    @Override
    public Tensor get(String name) {
      return full(name).cast(computeType());
    }

    @Override
    public Tensor full(String name) {
      Attachment attachment = group.attachment().orElseThrow();
      String key = keys.apply(name).orElseThrow(() -> attachment.undeclared(name, site));
      AdapterTensor tensor = Objects.requireNonNull(attachment.tensors().get(key));
      return variable(group.adapter(), tensor);
    }

    @Override
    public Tensor dropout(Tensor x, double rate) {
      if (!training() || rate == 0) {
        return x;
      }
      int index = dropouts.merge(site, 1, Integer::sum);
      long seed = options.seed() * 0x9E3779B97F4A7C15L + site.hashCode() * 31L + index;
      return Dropout.of(x, rate, seed, sequence.step());
    }

    @Override
    public boolean training() {
      return options.training();
    }
  }

  /** Returns the parameters that all sites share, for an adapter that may have no site. */
  Params sharedParams(RowGroup group) {
    return new SiteParams(group);
  }

  Params params(RowGroup group, String site, Adapter adapter) {
    return new SiteParams(group, site, adapter);
  }
}
