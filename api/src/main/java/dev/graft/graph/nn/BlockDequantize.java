package dev.graft.graph.nn;

import dev.graft.graph.Composite;
import dev.graft.graph.DType;
import dev.graft.graph.Shape;
import dev.graft.graph.Signature;
import dev.graft.graph.Tensor;
import java.util.List;
import org.apiguardian.api.API;

/**
 * Looks 4-bit codes up in a code book and multiplies each block by its scale (Dettmers et al. 2023, eq. 5).
 *
 * <p>
 * Operands: packed codes U8 of ⌈elements/2⌉ bytes, the first element in the high half of its byte; scales
 * F32 [⌈elements/blockSize⌉]; code book F32 [16]. The elements are the row-major flattening of the result;
 * blocks cross rows. The product is taken in F32 and rounded once.
 *
 * @param blockSize elements that share a scale
 * @param shape shape of the result
 * @param dtype type of the result
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record BlockDequantize(int blockSize, Shape shape, DType dtype) implements Composite {
  @Override
  public String name() {
    return "block_dequantize";
  }

  @Override
  public List<Signature> infer(List<Tensor> inputs) {
    Tensor packed = inputs.get(0);
    Tensor scales = inputs.get(1);
    Operands.check(blockSize > 0 && dtype.isFloating(), "needs a block size and a floating-point result");
    Operands.check(packed.dtype() == DType.U8 && packed.shape().size() == (shape.size() + 1) / 2,
        "needs " + (shape.size() + 1) / 2 + " bytes of U8 for shape " + shape);
    long blocks = (shape.size() + blockSize - 1) / blockSize;
    Operands.check(scales.dtype() == DType.F32 && scales.shape().equals(Shape.of(blocks)),
        "needs F32 scales [" + blocks + "]");
    Operands.check(inputs.get(2).dtype() == DType.F32 && inputs.get(2).shape().equals(Shape.of(16)),
        "needs an F32 code book [16]");
    return List.of(new Signature(dtype, shape));
  }

  @Override
  public List<Tensor> decompose(List<Tensor> inputs) {
    long elements = shape.size();
    long pairs = (elements + 1) / 2;
    Tensor bytes = inputs.get(0).reshape(pairs, 1).cast(DType.I32);
    Tensor codes = Tensor
        .concat(1, List.of(bytes.shiftRight(4), bytes.and(Tensor.scalar(15, DType.I32)))).cast(DType.I64)
        .reshape(2 * pairs).slice(0, 0, elements);
    long blocks = inputs.get(1).dim(0);
    Tensor scales = inputs.get(1).reshape(blocks, 1).broadcastTo(Shape.of(blocks, blockSize))
        .reshape(blocks * blockSize).slice(0, 0, elements);
    return List.of(inputs.get(2).gather(0, codes).times(scales).reshape(shape).cast(dtype));
  }
}
