package dev.graft.core.weights;

import dev.graft.formats.Matrices;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import dev.graft.spi.QuantizedTensor;
import java.lang.foreign.SegmentAllocator;
import java.util.Map;

/**
 * Gives a quantised matrix with its axes exchanged.
 *
 * @param code the matrix as it is stored
 */
record TransposedCode(QuantizedTensor code) implements QuantizedTensor {
  @Override
  public Shape shape() {
    return transposed(code.shape());
  }

  private static Shape transposed(Shape shape) {
    return shape.rank() == 2 ? Shape.of(shape.dim(1), shape.dim(0)) : shape;
  }

  @Override
  public DType dtype() {
    return code.dtype();
  }

  @Override
  public Map<String, HostTensor> stored() {
    return code.stored();
  }

  @Override
  public Map<String, HostTensor> resident() {
    return code.resident();
  }

  @Override
  public Tensor decode(Map<String, Tensor> parts, DType type) {
    return code.decode(parts, type).permute(1, 0);
  }

  @Override
  public HostTensor decode(DType type) {
    return Matrices.transpose(code.decode(type));
  }

  @Override
  public QuantizedTensor requantize(HostTensor value, SegmentAllocator memory) {
    return new TransposedCode(code.requantize(Matrices.transpose(value), memory));
  }
}
