package dev.graft.tools.plan;

import dev.graft.core.weights.BaseModel;
import dev.graft.error.GraftException;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.spi.QuantizedTensor;
import dev.graft.spi.Quantizer;
import java.util.List;
import java.util.function.Function;
import org.apiguardian.api.API;

/**
 * Stands before a quantizer to plan a model whose linear layers, all but the head, will be in its code. One
 * code of zeros for each shape stands for all layers of that shape: a plan asks for sizes, never for values.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class PlannedCodes extends CodePerShape {
  private PlannedCodes(Quantizer quantizer, BaseModel dense) {
    super(quantizer, dense.outline());
  }

  /**
   * Returns a model to plan with, in the place of a dense one; no weight is read.
   *
   * @throws GraftException if the model is quantised already
   */
  public static BaseModel of(BaseModel dense, Quantizer quantizer) {
    if (!dense.quantized().isEmpty()) {
      throw new GraftException(
          "The model is quantised already, so it cannot be planned with " + quantizer.id()
              + " instead: name the dense model");
    }
    return new BaseModel(dense.model(), dense.checkpoint(), List.of(new PlannedCodes(quantizer, dense)));
  }

  @Override
  public QuantizedTensor read(String weight, Function<String, HostTensor> tensors) {
    Shape shape = shape(weight);
    return known(shape).orElseGet(() -> encodeFirst(weight, HostTensor.zeros(DType.F32, shape)));
  }
}
