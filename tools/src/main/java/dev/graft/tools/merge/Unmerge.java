package dev.graft.tools.merge;

import dev.graft.core.attach.Attachment;
import dev.graft.core.graphs.AdapterFormulas;
import dev.graft.core.weights.BaseModel;
import dev.graft.core.weights.LoadedModel;
import dev.graft.spi.Backend;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.apiguardian.api.API;

/** Takes an adapter out of the model that it was merged into by {@link Merge}, and writes the base model. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class Unmerge {
  private Unmerge() {
  }

  /**
   * Unmerges and writes. What the merge lost
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
  public static MergeReport run(LoadedModel merged, LoadedModel.LoadedAdapter adapter, Backend backend,
      MergeOptions options, Path output) {
    BaseModel weights = merged.base();
    Path origin = adapter.folder().path();
    options.writer().check(output, List.of(merged.folder().path(), origin));
    Set<String> planned = AdapterFormulas.changedParameters(weights, adapter.attachment(), false);
    refuseWhatIsLost(weights, adapter.attachment(), origin, planned);
    WeightChange change = new WeightChange(merged, adapter, options, false, "taken out");
    Optional<MergeReport.Probe> probe = change.run(backend, output, planned.size(),
        (session, formulas, site, read) -> new Subtraction(weights, session, formulas, origin).without(site,
            read),
        new WeightChange.Compared(Optional.empty(), Optional.of(adapter)));
    return new MergeReport(change.layers(), probe, List.of());
  }

  private static void refuseWhatIsLost(BaseModel merged, Attachment attachment, Path origin,
      Set<String> parameters) {
    attachment.tensors().values().forEach(tensor -> tensor.baseParameter().ifPresent(name -> {
      throw Subtraction.refused(origin, "its own values took the place of " + name);
    }));
    parameters.stream().filter(name -> merged.code(name).isPresent()).findFirst().ifPresent(name -> {
      throw Subtraction.refused(origin, name + " was quantised after the merge or in it");
    });
  }
}
