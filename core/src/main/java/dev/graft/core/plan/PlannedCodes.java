package dev.graft.core.plan;

import dev.graft.core.model.BaseModel;
import dev.graft.error.GraftException;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.spi.Configuration;
import dev.graft.spi.QuantizedTensor;
import dev.graft.spi.Quantizer;
import dev.graft.spi.Site;
import java.lang.foreign.Arena;
import java.lang.foreign.SegmentAllocator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import org.apiguardian.api.API;
import org.jspecify.annotations.Nullable;

/**
 * Stands before a quantizer to plan a model whose linear layers, all but the head, will be in its code. One
 * code of zeros for each shape stands for all layers of that shape: a plan asks for sizes, never for values.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class PlannedCodes implements Quantizer {
  private final Quantizer quantizer;
  private final Map<String, Shape> weights = new LinkedHashMap<>();
  private final Map<Shape, QuantizedTensor> codes = new HashMap<>();

  private PlannedCodes(Quantizer quantizer, BaseModel dense) {
    this.quantizer = quantizer;
    for (Site site : dense.outline().sites()) {
      if (site instanceof Site.Linear linear && !linear.head()) {
        weights.put(linear.name() + ".weight", Shape.of(linear.out(), linear.in()));
      }
    }
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
  public String id() {
    return quantizer.id();
  }

  @Override
  public String description() {
    return quantizer.description();
  }

  @Override
  public Set<String> parts(String weight, Set<String> names) {
    return weights.containsKey(weight) ? Set.of(weight) : Set.of();
  }

  @Override
  public QuantizedTensor read(String weight, Function<String, HostTensor> tensors) {
    return codes.computeIfAbsent(Objects.requireNonNull(weights.get(weight)),
        shape -> encode(weight, HostTensor.zeros(DType.F32, shape),
            new Configuration("the quantizer's defaults", Map.of()), Arena.ofAuto()));
  }

  @Override
  public QuantizedTensor encode(String weight, HostTensor value, Configuration options,
      SegmentAllocator memory) {
    return quantizer.encode(weight, value, options, memory);
  }

  @Override
  public Map<String, @Nullable Object> modelConfig(Configuration options, DType compute) {
    return quantizer.modelConfig(options, compute);
  }
}
