package dev.graft.tools.plan;

import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.spi.Configuration;
import dev.graft.spi.ModelOutline;
import dev.graft.spi.QuantizedTensor;
import dev.graft.spi.Quantizer;
import dev.graft.spi.Site;
import java.lang.foreign.Arena;
import java.lang.foreign.SegmentAllocator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Wraps a quantizer for a model's linear layers but the head, and encodes one weight of each shape. */
abstract class CodePerShape implements Quantizer {
  private final Quantizer quantizer;
  private final Map<String, Object> options;
  private final Map<String, Shape> weights = new LinkedHashMap<>();
  private final Map<Shape, QuantizedTensor> codes = new HashMap<>();

  CodePerShape(Quantizer quantizer, Map<String, ?> options, ModelOutline outline) {
    this.quantizer = quantizer;
    this.options = Map.copyOf(options);
    for (Site site : outline.sites()) {
      if (site instanceof Site.Linear linear && !linear.head()) {
        weights.put(linear.name() + ".weight", Shape.of(linear.out(), linear.in()));
      }
    }
  }

  /** Returns the shape of a weight, outputs first. */
  Shape shape(String weight) {
    return Objects.requireNonNull(weights.get(weight));
  }

  /** Returns the code of the first weight of a shape, if there is one yet. */
  Optional<QuantizedTensor> known(Shape shape) {
    return Optional.ofNullable(codes.get(shape));
  }

  /** Encodes the first weight of its shape. */
  QuantizedTensor encodeFirst(String weight, HostTensor value) {
    QuantizedTensor code = encode(weight, value,
        new Configuration("The settings of the code " + quantizer.id(), options), Arena.ofAuto());
    codes.put(shape(weight), code);
    return code;
  }

  @Override
  public final String id() {
    return quantizer.id();
  }

  @Override
  public final String description() {
    return quantizer.description();
  }

  @Override
  public final Set<String> parts(String weight, Set<String> names) {
    return weights.containsKey(weight) ? Set.of(weight) : Set.of();
  }

  @Override
  public abstract QuantizedTensor read(String weight, Function<String, HostTensor> tensors);

  @Override
  public final QuantizedTensor encode(String weight, HostTensor value, Configuration options,
      SegmentAllocator memory) {
    return quantizer.encode(weight, value, options, memory);
  }

  @Override
  public final Map<String, @Nullable Object> modelConfig(Configuration options, DType compute) {
    return quantizer.modelConfig(options, compute);
  }
}
