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
import org.apiguardian.api.API;
import org.jspecify.annotations.Nullable;

/**
 * Merges an adapter into its base model and writes the result as a model folder that needs no adapter; or
 * takes an adapter out of such a folder again.
 *
 * <p>
 * The folder that is read and the adapter are never changed. Whoever keeps the base has it bit for bit;
 * {@link #unmerge} is for when only the merged model is left, and gives the base but for rounding.
 *
 * <p>
 * Layers are merged one after the other, in F32 whatever the base's type, and wait in a file, so that no more
 * than one is held in memory. A weight keeps the type that the base has it in.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class Merge {
  private static final String ADAPTER = "merged";
  private static final DType TYPE = DType.F32;

  private final LoadedModel model;
  private final BaseModel base;
  private final LoadedModel.LoadedAdapter adapter;
  private final Attachment attachment;
  private final MergeOptions options;
  private final boolean unmerging;
  private final boolean untied;
  private final List<MergeReport.Layer> layers = new ArrayList<>();
  private final Set<String> changed = new LinkedHashSet<>();

  /** Prepares to put an adapter into a model's weights, or to take it out. */
  private Merge(LoadedModel model, LoadedModel.LoadedAdapter adapter, MergeOptions options,
      boolean unmerging) {
    this.model = model;
    this.base = model.base();
    this.adapter = adapter;
    this.attachment = adapter.attachment();
    this.options = options;
    this.unmerging = unmerging;
    this.untied = !unmerging && !base.outline().tied().isEmpty()
        && (options.untie() || AdapterFormulas.unties(base, attachment));
  }

  /**
   * Merges and writes.
   *
   * @param adapter an adapter of the model, opened for use
   * @param backend computes the formulas, and the probe if there is one
   * @param output the folder to be written
   * @throws GraftException if the method cannot be merged, if the base is quantised and the policy does not
   *   say what is to become of it, if a merged weight is NaN, infinite or beyond its type's range, or if the
   *   output cannot be written; the output is unchanged then
   */
  public static MergeReport run(LoadedModel model, LoadedModel.LoadedAdapter adapter, Backend backend,
      MergeOptions options, Path output) {
    return new Merge(model, adapter, options, false).run(backend, output);
  }

  /**
   * Takes an adapter out of the model that it was merged into, and writes the base model. What the merge lost
   * by rounding stays lost: an element of the result differs from the base's by at most
   * 2<sup>-23</sup> in F32, 2<sup>-10</sup> in F16 and 2<sup>-7</sup> in BF16, as a share of the larger of the
   * base's and the merged element. If the adapter was not merged into this model, the result is its
   * weights less the adapter's, and no error can tell.
   *
   * @param merged the model with the adapter in it
   * @param adapter opened for use
   * @param backend computes the formulas, and the probe if there is one: the merged model is compared with the
   *   result and the adapter together
   * @param output the folder to be written
   * @throws GraftException if what stood in the adapter's place is lost: if its method does more than add to
   *   weights, if it has values of its own for base parameters, or if weights that it changes are quantised; or
   *   if the output cannot be written; the output is unchanged then
   */
  public static MergeReport unmerge(LoadedModel merged, LoadedModel.LoadedAdapter adapter, Backend backend,
      MergeOptions options, Path output) {
    return new Merge(merged, adapter, options, true).run(backend, output);
  }

  private MergeReport run(Backend backend, Path output) {
    options.writer().check(output, List.of(model.folder().path(), adapter.folder().path()));
    Set<String> planned = AdapterFormulas.changedParameters(base, attachment, untied);
    if (unmerging) {
      refuseWhatIsLost(planned);
    } else {
      refuseQuantized(planned);
    }
    Optional<ProbeRun> probe = options.probe()
        .map(batch -> new ProbeRun(backend, options.compute(), batch));
    Optional<HostTensor> apart = probe
        .map(run -> run.logits(base, unmerging ? Optional.empty() : Optional.of(adapter)));
    try (TensorSpool spool = TensorSpool.beside(output)) {
      mergeAll(backend, spool, planned.size());
      model.folder().verifyUnchanged();
      write(output, spool);
    }
    return new MergeReport(layers, apart.map(logits -> compare(probe.orElseThrow(), logits, output)),
        warnings());
  }

  private MergeReport.Probe compare(ProbeRun probe, HostTensor apart, Path output) {
    try (LoadedModel written = model.openOther(output)) {
      return probe.compare(apart,
          probe.logits(written.base(), unmerging ? Optional.of(adapter) : Optional.empty()));
    }
  }

  private void refuseQuantized(Set<String> parameters) {
    long quantized = parameters.stream().filter(name -> base.code(name).isPresent()).count();
    if (options.policy() == MergePolicy.REFUSE && quantized > 0) {
      throw new GraftException("The base model " + model.folder().path() + " is quantised, and the adapter "
          + adapter.folder().path() + " changes " + quantized + " of its quantised weights. Choose what is to"
          + " become of them: dequantize writes the model in its original type, exact and larger; requantize"
          + " encodes the changed weights again, as small as before, with an error that is reported. Or keep"
          + " the adapter apart and load it with the base");
    }
  }

  private void refuseWhatIsLost(Set<String> parameters) {
    attachment.tensors().values().forEach(tensor -> tensor.baseParameter().ifPresent(name -> {
      throw Unmerge.refused(adapter.folder().path(), "its own values took the place of " + name);
    }));
    parameters.stream().filter(name -> base.code(name).isPresent()).findFirst().ifPresent(name -> {
      throw Unmerge.refused(adapter.folder().path(), name + " was quantised after the merge or in it");
    });
  }

  private void mergeAll(Backend backend, TensorSpool spool, int count) {
    try (Session session = backend.open(SessionOptions.DEFAULT)) {
      AdapterWeights.upload(session, ADAPTER, adapter.values(), TYPE);
      AdapterFormulas formulas = new AdapterFormulas(base, session, TYPE, ADAPTER, attachment);
      for (Site site : attachment.sites()) {
        options.progress().report(site.name(), changed.size(), count);
        Set<String> read = AdapterFormulas.mergedParameters(base, attachment, site);
        base.upload(session, TYPE, read);
        Map<String, HostTensor> results = unmerging
            ? new Unmerge(base, session, formulas, adapter.folder().path()).without(site, read)
            : formulas.merge(site, untied);
        results.forEach((name, exact) -> add(name, exact, spool));
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

  /** Takes one merged parameter: checks it, brings it into the written form, and measures what that costs. */
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
          + (unmerging ? "taken out" : "merged") + ": at element "
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

  private List<String> warnings() {
    List<String> warnings = new ArrayList<>();
    if (unmerging) {
      return warnings;
    }
    base.outline().tied().forEach((own, shared) -> {
      String both = module(shared) + " and " + module(own);
      if (untied) {
        warnings
            .add(both + " shared one tensor in the base model. The merged model has two and says so in its"
                + " config.json.");
      } else if (changed.contains(shared)) {
        warnings.add(both
            + " share one tensor in this model, and the adapter was trained to change only one of"
            + " them. The merge changes both, as PEFT's does, so that the merged model does not compute what the"
            + " base and the adapter compute together. Untie them in the merge (--untie), or keep the adapter"
            + " apart, if that matters.");
      }
    });
    layers.stream().filter(layer -> layer.requantized() && layer.lostChange() >= 1).findFirst()
        .ifPresent(
            layer -> warnings.add("Encoding the merged weights again moves some of them further than the"
                + " adapter does (first " + layer.parameter() + "), so that the adapter's effect may be lost."
                + " Choose dequantize to keep it."));
    return warnings;
  }

  private static String module(String parameter) {
    return parameter.substring(0, parameter.lastIndexOf('.'));
  }
}
