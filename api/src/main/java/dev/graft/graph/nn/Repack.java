package dev.graft.graph.nn;

import dev.graft.graph.Composite;
import dev.graft.graph.DType;
import dev.graft.graph.Signature;
import dev.graft.graph.Tensor;
import java.util.List;
import java.util.Optional;
import org.apiguardian.api.API;

/**
 * Moves rows between two orders, each of which knows where the other has them: tokens that lie one after the
 * other, and rows with padding.
 *
 * <p>
 * Operands: x [n, width], the row of x for each of the m rows of the result I64 [m], and the row of the result
 * for each row of x I64 [n]. Rows that are not each other's counterpart are filling, whose gradients are zero:
 * so the gradient is a move back, not a sum of scattered rows.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record Repack() implements Composite {
  /**
   * Moves x [n, width] to [m, width].
   *
   * @param there the row of x for each row of the result: I64 [m]
   * @param back the row of the result for each row of x: I64 [n]
   */
  public static Tensor of(Tensor x, Tensor there, Tensor back) {
    return Tensor.of(new Repack(), x, there, back);
  }

  @Override
  public String name() {
    return "repack";
  }

  @Override
  public List<Signature> infer(List<Tensor> inputs) {
    Tensor x = inputs.get(0);
    Tensor there = inputs.get(1);
    Tensor back = inputs.get(2);
    Operands.check(x.shape().rank() == 2 && there.dtype() == DType.I64 && there.shape().rank() == 1
        && back.dtype() == DType.I64 && back.shape().rank() == 1 && back.dim(0) == x.dim(0),
        "needs x [n, width] and I64 indices [m] and [n]");
    return List.of(new Signature(x.dtype(), x.shape().with(0, there.dim(0))));
  }

  @Override
  public List<Tensor> decompose(List<Tensor> inputs) {
    return List.of(inputs.get(0).gather(0, inputs.get(1)));
  }

  @Override
  public Optional<GradientRule> gradient() {
    return Optional.of((call, gradients, _) -> List.of(
        Optional.of(of(Operands.only(gradients), call.input(2), call.input(1))), Optional.empty(),
        Optional.empty()));
  }
}
