package dev.graft.spi;

import java.util.List;
import java.util.Optional;
import org.apiguardian.api.API;

/** Says what a method does at one site, as formulas over symbolic tensors. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public sealed interface Adapter permits LinearAdapter, EmbeddingAdapter, AttentionAdapter, InputAdapter {
  /** Returns the parameters that this site adds, in the order in which they are listed to users. */
  List<ParamSpec> parameters();

  /**
   * Returns what the adapter file holds of this site instead of some of its parameters; see {@link
   * PeftMethod#export}, which does the same for shared ones. Keys are what follows the module's name and a dot.
   */
  default Optional<PeftMethod.Export> export(Params p) {
    return Optional.empty();
  }
}
