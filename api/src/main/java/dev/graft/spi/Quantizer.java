package dev.graft.spi;

import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import java.lang.foreign.SegmentAllocator;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.apiguardian.api.API;
import org.jspecify.annotations.Nullable;

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
   * @param options block size and the like; unknown ones are faults
   * @param memory where the parts are allocated
   * @throws dev.graft.error.GraftException if an option is faulty, or a value is NaN or infinite
   */
  QuantizedTensor encode(String weight, HostTensor value, Configuration options, SegmentAllocator memory);

  /**
   * Returns what {@code config.json} says of a model in this code, under {@code quantization_config}.
   *
   * @param options as for {@link #encode}
   * @param compute the type in which other tools are to compute with the decoded weights
   * @throws dev.graft.error.GraftException if an option is faulty
   */
  Map<String, @Nullable Object> modelConfig(Configuration options, DType compute);
}
