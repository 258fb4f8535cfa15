package dev.graft.compiler.pass;

import java.util.List;
import org.apiguardian.api.API;

/** Names the usual sequences of passes. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class Passes {
  private Passes() {
  }

  /**
   * Returns what a forward pass may go through before it is differentiated. Differentiate its outputs, and
   * make outputs of checkpointed blocks' ends, to find them again.
   */
  public static Pass beforeDifferentiation() {
    return Pass.inOrder(List.of(new CommonSubexpressions(), new MergeLinears()));
  }

  /**
   * Returns what every graph goes through before it is compiled; differentiate first, since {@link Simplify}
   * takes {@link dev.graft.graph.Primitive.Detach} away.
   */
  public static Pass standard() {
    // Simplification makes equal nodes of different ones, and their merging lets it see more.
    return Pass.inOrder(List.of(new DeadCode(), new CommonSubexpressions(), new Simplify(),
        new FoldTransposes(), new CommonSubexpressions(), new Simplify(), new Scheduler()));
  }
}
