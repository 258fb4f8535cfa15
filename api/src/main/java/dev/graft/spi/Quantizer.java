package dev.graft.spi;

import dev.graft.graph.HostTensor;
import java.util.Set;
import java.util.function.Function;
import org.apiguardian.api.API;

/** Stores weights in few bits. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public interface Quantizer extends Plugin {
  /**
   * Returns which tensors of a checkpoint together hold a weight in this code; empty if it is not in this
   * code.
   *
   * @param weight the weight's name, such as {@code model.layers.0.mlp.up_proj.weight}
   * @param names every tensor of the checkpoint
   * @throws dev.graft.error.GraftException if the weight is in this code but a part is missing; names it
   */
  Set<String> parts(String weight, Set<String> names);

  /**
   * Reads a weight.
   *
   * @param weight the weight's name
   * @param tensors gives each tensor of the checkpoint by name
   * @throws dev.graft.error.GraftException if the parts do not fit together; names the part
   */
  QuantizedTensor read(String weight, Function<String, HostTensor> tensors);

  /**
   * Encodes a weight.
   *
   * @param weight the weight's name, under which its parts will be stored
   * @param value floating-point values
   * @param options block size and the like
   */
  QuantizedTensor encode(String weight, HostTensor value, Configuration options);
}
