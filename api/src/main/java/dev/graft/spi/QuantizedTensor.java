package dev.graft.spi;

import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import java.util.Map;
import org.apiguardian.api.API;

/** Holds one weight in few bits. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public interface QuantizedTensor {
  /** Returns the shape of the weight that is encoded. */
  Shape shape();

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
}
