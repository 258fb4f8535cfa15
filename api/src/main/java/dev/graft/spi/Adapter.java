package dev.graft.spi;

import java.util.List;
import org.apiguardian.api.API;

/** Says what a method does at one site, as formulas over symbolic tensors. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public sealed interface Adapter permits LinearAdapter, EmbeddingAdapter, AttentionAdapter, InputAdapter {
  /** Returns the parameters that this site adds, in the order in which they are listed to users. */
  List<ParamSpec> parameters();
}
