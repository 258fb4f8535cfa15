package dev.graft.compiler.autodiff;

import dev.graft.graph.Tensor;
import java.util.List;
import org.apiguardian.api.API;

/**
 * Marks a part of the forward pass whose inner values are computed again in the backward pass instead of
 * being kept (Chen et al. 2016).
 *
 * <p>
 * Inside are the values that lead nowhere but to the output, back to the inputs, which are kept. A value
 * that is also used elsewhere, such as a mask that all blocks share, is kept too. Blocks do not overlap.
 *
 * @param inputs values at which the block begins
 * @param output the block's result
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record CheckpointedBlock(List<Tensor> inputs, Tensor output) {
  /** Copies the inputs. */
  public CheckpointedBlock {
    inputs = List.copyOf(inputs);
  }

  /** Marks what lies between one value and another. */
  public static CheckpointedBlock between(Tensor input, Tensor output) {
    return new CheckpointedBlock(List.of(input), output);
  }
}
