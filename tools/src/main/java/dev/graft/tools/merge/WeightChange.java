package dev.graft.tools.merge;

import dev.graft.core.attach.AdapterWeights;
import dev.graft.core.attach.Attachment;
import dev.graft.core.graphs.AdapterFormulas;
import dev.graft.core.weights.BaseModel;
import dev.graft.core.weights.LoadedModel;
import dev.graft.error.GraftException;
import dev.graft.formats.NonFinite;
import dev.graft.formats.TensorCasts;
import dev.graft.formats.TensorSource;
import dev.graft.formats.TensorSpool;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Signature;
import dev.graft.spi.Backend;
import dev.graft.spi.QuantizedTensor;
import dev.graft.spi.Session;
import dev.graft.spi.SessionOptions;
import dev.graft.spi.Site;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Computes new values of the weights that an adapter changes, and writes them and the rest of the model as a
 * model folder.
 *
 * <p>
 * Sites are computed one after the other, in F32 whatever the model's type, and wait in a file, so that no more
 * than one is held in memory. A weight keeps the type that the model has it in.
 */
final class WeightChange {
  private static final String ADAPTER = "merged";
  private static final DType TYPE = DType.F32;

  private final LoadedModel model;
  private final BaseModel base;
  private final LoadedModel.LoadedAdapter adapter;
  private final MergeOptions options;
  private final boolean untied;
  private final String participle;
  private final List<MergeReport.Layer> layers = new ArrayList<>();
  private final Set<String> changed = new LinkedHashSet<>();

  /** Computes the new weights of one site. */
  interface SiteFormula {
    /**
     * Returns the new values by parameter.
     *
     * @param session holds the adapter's tensors and those read at the site
     * @param read the parameters that the merge of the site reads
     */
    Map<String, HostTensor> weights(Session session, AdapterFormulas formulas, Site site, Set<String> read);
  }

  /**
   * Compares the model before and after.
   *
   * @param before the adapter with which the model is run before; empty for the model alone
   * @param after the same for the written model
   */
  record Compared(Optional<LoadedModel.LoadedAdapter> before, Optional<LoadedModel.LoadedAdapter> after) {}

  /**
   * Prepares the change.
   *
   * @param untied whether tied tables become two
   * @param participle what the adapter cannot be if a value is not finite, such as {@code merged}
   */
  WeightChange(LoadedModel model, LoadedModel.LoadedAdapter adapter, MergeOptions options, boolean untied,
      String participle) {
    this.model = model;
    this.base = model.base();
    this.adapter = adapter;
    this.options = options;
    this.untied = untied;
    this.participle = participle;
  }

  /**
   * Computes and writes.
   *
   * @param count how many parameters change
   * @return how far the written model is from what it should compute, if the options have a probe
   */
  Optional<MergeReport.Probe> run(Backend backend, Path output, int count, SiteFormula formula,
      Compared compared) {
    Optional<ProbeRun> probe = options.probe().map(batch -> new ProbeRun(backend, options.compute(), batch));
    Optional<HostTensor> wanted = probe.map(run -> run.logits(base, compared.before()));
    try (TensorSpool spool = TensorSpool.beside(output)) {
      compute(backend, spool, count, formula);
      model.folder().verifyUnchanged();
      write(output, spool);
    }
    return wanted.map(logits -> compare(probe.orElseThrow(), logits, compared.after(), output));
  }

  /** Returns what happened to each changed parameter, in their order. */
  List<MergeReport.Layer> layers() {
    return layers;
  }

  /** Tells whether a parameter has been changed. */
  boolean changed(String parameter) {
    return changed.contains(parameter);
  }

  private MergeReport.Probe compare(ProbeRun probe, HostTensor wanted,
      Optional<LoadedModel.LoadedAdapter> after,
      Path output) {
    try (LoadedModel written = model.openOther(output)) {
      return probe.compare(wanted, probe.logits(written.base(), after));
    }
  }

  private void compute(Backend backend, TensorSpool spool, int count, SiteFormula formula) {
    Attachment attachment = adapter.attachment();
    try (Session session = backend.open(SessionOptions.DEFAULT)) {
      AdapterWeights.upload(session, ADAPTER, adapter.values(), TYPE);
      AdapterFormulas formulas = new AdapterFormulas(base, session, TYPE, ADAPTER, attachment);
      for (Site site : attachment.sites()) {
        options.progress().report(site.name(), changed.size(), count);
        Set<String> read = AdapterFormulas.mergedParameters(base, attachment, site);
        base.upload(session, TYPE, read);
        formula.weights(session, formulas, site, read).forEach((name, exact) -> add(name, exact, spool));
        base.release(session, read);
      }
      formulas.replacements().forEach((name, exact) -> {
        if (!changed.contains(name)) {
          add(name, exact, spool);
        }
      });
      options.progress().report("", count, count);
    }
  }

  /** Takes one new value: checks it, brings it into the written form, and measures what that costs. */
  private void add(String name, HostTensor exact, TensorSpool spool) {
    refuseNonFinite(name, exact, "the result is ");
    changed.add(name);
    Optional<QuantizedTensor> code = base.code(name);
    boolean again = code.isPresent() && options.policy() == MergePolicy.REQUANTIZE;
    HostTensor written;
    if (again) {
      try (Arena memory = Arena.ofShared()) {
        QuantizedTensor encoded = code.get().requantize(exact, memory);
        encoded.stored().forEach(spool::add);
        written = encoded.decode(TYPE);
      }
    } else {
      HostTensor rounded = TensorCasts.cast(exact, base.type(name));
      refuseNonFinite(name, rounded,
          "the new weight does not fit into " + rounded.dtype() + " and becomes ");
      spool.add(name, rounded);
      written = rounded;
    }
    HostTensor old = base.value(name, TYPE);
    double change = Distance.between(exact, old);
    double error = Distance.between(written, exact);
    layers.add(new MergeReport.Layer(name, Distance.ratio(change, Distance.norm(old)),
        Distance.ratio(error, Distance.norm(exact)), Distance.ratio(error, change), again));
  }

  private void refuseNonFinite(String name, HostTensor value, String what) {
    OptionalLong bad = NonFinite.first(value);
    if (bad.isPresent()) {
      throw new GraftException("The adapter " + adapter.folder().path() + " cannot be "
          + participle + ": at element "
          + bad.getAsLong() + " of " + name + ", " + what + value.at(bad.getAsLong())
          + ". Nothing was written");
    }
  }

  private void write(Path output, TensorSpool spool) {
    Set<String> gone = new LinkedHashSet<>(staleCopies());
    changed.forEach(name -> gone.addAll(base.storedNames(name)));
    Map<String, @Nullable Object> config = new LinkedHashMap<>(model.folder().config());
    if (base.isUntied()) {
      config.put("tie_word_embeddings", false);
    }
    if (untied) {
      base.outline().tied().keySet().stream().filter(name -> !changed.contains(name))
          .forEach(name -> spool.add(name, base.value(name, base.type(name))));
      config.put("tie_word_embeddings", false);
    }
    TensorSource decoded = TensorSource.of(Map.of());
    if (options.policy() == MergePolicy.DEQUANTIZE) {
      base.quantized().forEach(name -> gone.addAll(base.storedNames(name)));
      decoded = decoded();
      config.remove("quantization_config");
    }
    TensorSource kept = base.checkpoint().without(gone);
    options.writer().write(output, config, kept.and(decoded).and(spool), model.folder().sideFiles());
  }

  /** Returns the quantised parameters that the adapter leaves alone, dense. */
  private TensorSource decoded() {
    Map<String, QuantizedTensor> codes = new LinkedHashMap<>();
    Map<String, Signature> signatures = new LinkedHashMap<>();
    for (String name : base.outline().parameters().keySet()) {
      if (!changed.contains(name) && base.code(name).isPresent()) {
        QuantizedTensor code = base.code(name).get();
        codes.put(name, code);
        signatures.put(name, new Signature(code.dtype(), code.shape()));
      }
    }
    return TensorSource.of(signatures, name -> {
      QuantizedTensor code = Objects.requireNonNull(codes.get(name));
      return code.decode(code.dtype());
    });
  }

  /** Returns copies of a tied table that the checkpoint holds under the head's name, where no reader looks. */
  private Set<String> staleCopies() {
    Set<String> copies = new LinkedHashSet<>(base.outline().tied().keySet());
    copies.retainAll(base.unused());
    return copies;
  }
}
