package dev.graft.tools.plan;

import dev.graft.core.weights.BaseModel;
import dev.graft.error.GraftException;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.spi.QuantizedTensor;
import dev.graft.spi.Quantizer;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.apiguardian.api.API;

/**
 * Wraps a quantizer to plan a model whose linear layers, all but the head, will be in its code. One
 * code of zeros for each shape stands for all layers of that shape: a plan asks for sizes, never for values.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class PlannedCodes extends CodePerShape {
  private PlannedCodes(Quantizer quantizer, Map<String, ?> options, BaseModel dense) {
    super(quantizer, options, dense.outline());
  }

  /**
   * Returns a model to plan with, in the place of a dense one; no weight is read.
   *
   * @param options settings of the quantizer, such as {@code block_size}
   * @throws GraftException if the model is quantised already, or a setting is faulty
   */
  public static BaseModel of(BaseModel dense, Quantizer quantizer, Map<String, ?> options) {
    if (!dense.quantized().isEmpty()) {
      throw new GraftException(
          "The model is quantised already, so it cannot be planned with " + quantizer.id()
              + " instead: name the dense model");
    }
    return new BaseModel(dense.model(), dense.checkpoint(),
        List.of(new PlannedCodes(quantizer, options, dense)));
  }

  @Override
  public QuantizedTensor read(String weight, Function<String, HostTensor> tensors) {
    Shape shape = shape(weight);
    return known(shape).orElseGet(() -> encodeFirst(weight, HostTensor.zeros(DType.F32, shape)));
  }
}
