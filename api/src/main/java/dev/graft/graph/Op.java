package dev.graft.graph;

import java.util.List;
import org.apiguardian.api.API;

/** Names what a node of a graph computes: one of the few primitives, or a composite made of them. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public sealed interface Op permits Primitive, Composite {
  /** Returns the name that error messages show, such as {@code matmul}. */
  String name();

  /**
   * Checks the operands and returns the signature of each result, the first being the node's own.
   *
   * @throws GraphException if the operands do not fit; the message need not name the operation or the site,
   * {@link Tensor#of} adds them
   */
  List<Signature> infer(List<Tensor> inputs);
}
