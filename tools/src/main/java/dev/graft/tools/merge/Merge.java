package dev.graft.tools.merge;

import dev.graft.core.attach.Attachment;
import dev.graft.core.graphs.AdapterFormulas;
import dev.graft.core.weights.BaseModel;
import dev.graft.core.weights.LoadedModel;
import dev.graft.error.GraftException;
import dev.graft.spi.Backend;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.apiguardian.api.API;

/**
 * Merges an adapter into its base model and writes the result as a model folder that needs no adapter.
 *
 * <p>
 * The folder that is read and the adapter are never changed. Whoever keeps the base has it bit for bit;
 * {@link Unmerge} is for when only the merged model is left, and gives the base but for rounding.
 *
 * <p>
 * Layers are merged one after the other, in F32 whatever the base's type, and wait in a file, so that no more
 * than one is held in memory. A weight keeps the type that the base has it in.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class Merge {
  private final LoadedModel model;
  private final BaseModel base;
  private final LoadedModel.LoadedAdapter adapter;
  private final Attachment attachment;
  private final MergeOptions options;
  private final boolean untied;
  private final WeightChange change;

  private Merge(LoadedModel model, LoadedModel.LoadedAdapter adapter, MergeOptions options) {
    this.model = model;
    this.base = model.base();
    this.adapter = adapter;
    this.attachment = adapter.attachment();
    this.options = options;
    this.untied = !base.outline().tied().isEmpty()
        && (options.untie() || AdapterFormulas.unties(base, attachment));
    this.change = new WeightChange(model, adapter, options, untied, "merged");
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
    return new Merge(model, adapter, options).run(backend, output);
  }

  private MergeReport run(Backend backend, Path output) {
    options.writer().check(output, List.of(model.folder().path(), adapter.folder().path()));
    Set<String> planned = AdapterFormulas.changedParameters(base, attachment, untied);
    refuseQuantized(planned);
    Optional<MergeReport.Probe> probe = change.run(backend, output, planned.size(),
        (_, formulas, site, _) -> formulas.merge(site, untied),
        new WeightChange.Compared(Optional.of(adapter), Optional.empty()));
    return new MergeReport(change.layers(), probe, warnings());
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

  private List<String> warnings() {
    List<String> warnings = new ArrayList<>();
    base.outline().tied().forEach((own, shared) -> {
      String both = module(shared) + " and " + module(own);
      if (untied) {
        warnings
            .add(both + " shared one tensor in the base model. The merged model has two and says so in its"
                + " config.json.");
      } else if (change.changed(shared)) {
        warnings.add(both
            + " share one tensor in this model, and the adapter was trained to change only one of"
            + " them. The merge changes both, as PEFT's does, so that the merged model does not compute what the"
            + " base and the adapter compute together. Untie them in the merge (--untie), or keep the adapter"
            + " apart, if that matters.");
      }
    });
    change.layers().stream().filter(layer -> layer.requantized() && layer.lostChange() >= 1).findFirst()
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
