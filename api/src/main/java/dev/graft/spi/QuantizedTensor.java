package dev.graft.spi;

import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import java.lang.foreign.SegmentAllocator;
import java.util.Map;
import org.apiguardian.api.API;

/** Holds one weight in few bits. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public interface QuantizedTensor {
  /** Returns the shape of the weight that is encoded. */
  Shape shape();

  /** Returns the type that the weight had before it was encoded. */
  DType dtype();

  /** Returns the tensors that a checkpoint stores, by their names. */
  Map<String, HostTensor> stored();

  /** Returns the tensors that the device needs, by short names such as {@code packed}. */
  Map<String, HostTensor> resident();

  /**
   * Builds the decoded weight.
   *
   * @param parts the resident tensors as variables, by the same short names
   * @param type type of the result
   */
  Tensor decode(Map<String, Tensor> parts, DType type);

  /** Decodes on the host. */
  HostTensor decode(DType type);

  /**
   * Encodes other values as this weight was encoded: in the same code, by the same settings, under the same
   * names.
   *
   * @param value floating-point values of the same shape
   * @param memory where the parts are allocated
   * @throws dev.graft.error.GraftException if a value is NaN or infinite
   */
  QuantizedTensor requantize(HostTensor value, SegmentAllocator memory);
}
