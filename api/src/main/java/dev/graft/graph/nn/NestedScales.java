package dev.graft.graph.nn;

import dev.graft.graph.Composite;
import dev.graft.graph.DType;
import dev.graft.graph.Shape;
import dev.graft.graph.Signature;
import dev.graft.graph.Tensor;
import java.util.List;
import org.apiguardian.api.API;

/**
 * Decodes scales of blocks that are themselves quantised in 8 bits, the double quantisation of Dettmers et al.
 * 2023, section 3: scale i is map[codes[i]] · absmax[i / blockSize] + offset, both steps rounded to F32.
 *
 * <p>
 * Operands: codes U8 [scales], map F32 [256] of the values of the codes, absmax F32 [⌈scales/blockSize⌉], and
 * offset F32 [1]. The result is F32 [scales], as {@link BlockDequantize} takes it.
 *
 * @param blockSize scales that share an absmax
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record NestedScales(int blockSize) implements Composite {
  private static final int CODES = 256;

  @Override
  public String name() {
    return "nested_scales";
  }

  @Override
  public List<Signature> infer(List<Tensor> inputs) {
    Tensor codes = inputs.get(0);
    Operands.check(blockSize > 0, "needs a block size of 1 or more, not " + blockSize);
    Operands.check(codes.dtype() == DType.U8 && codes.shape().rank() == 1, "needs codes U8 [scales]");
    long blocks = (codes.dim(0) + blockSize - 1) / blockSize;
    check(inputs.get(1), "a map", CODES);
    check(inputs.get(2), "absmax", blocks);
    check(inputs.get(3), "an offset", 1);
    return List.of(new Signature(DType.F32, codes.shape()));
  }

  private static void check(Tensor operand, String what, long length) {
    Operands.check(operand.dtype() == DType.F32 && operand.shape().equals(Shape.of(length)),
        "needs " + what + " F32 [" + length + "]");
  }

  @Override
  public List<Tensor> decompose(List<Tensor> inputs) {
    Tensor codes = inputs.get(0);
    Tensor absmax = inputs.get(2);
    Shape blocks = Shape.of(absmax.dim(0), blockSize);
    Tensor each = absmax.reshape(absmax.dim(0), 1).broadcastTo(blocks).reshape(blocks.size())
        .slice(0, 0, codes.dim(0));
    Tensor residuals = inputs.get(1).gather(0, codes.cast(DType.I64));
    return List.of(residuals.times(each).plus(inputs.get(3)));
  }
}
