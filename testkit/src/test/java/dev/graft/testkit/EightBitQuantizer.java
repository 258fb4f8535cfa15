package dev.graft.testkit;

import dev.graft.error.GraftException;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import dev.graft.spi.Configuration;
import dev.graft.spi.QuantizedTensor;
import dev.graft.spi.Quantizer;
import java.lang.foreign.SegmentAllocator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Stores a weight as bytes, 128 being 0, with one scale and a part that names the code; with at most one
 * fault.
 */
record EightBitQuantizer(Fault fault) implements Quantizer {
  enum Fault {
    NONE, ROUNDS_DOWN, GRAPH_DIFFERS, IGNORES_MISSING_PARTS, READS_DAMAGED_PARTS, ACCEPTS_NAN, IGNORES_UNKNOWN_OPTIONS
  }

  @Override
  public String id() {
    return "eight-bit";
  }

  @Override
  public String description() {
    return "Bytes with one scale";
  }

  private static List<String> names(String weight) {
    return List.of(weight, weight + ".scale", weight + ".code");
  }

  @Override
  public Set<String> parts(String weight, Set<String> names) {
    Set<String> found = new TreeSet<>(names(weight));
    found.retainAll(names);
    if (found.isEmpty() || found.equals(Set.of(weight))) {
      return Set.of();
    }
    for (String part : names(weight)) {
      if (!names.contains(part) && fault != Fault.IGNORES_MISSING_PARTS) {
        throw new GraftException(part + " is missing, without which " + weight + " cannot be decoded");
      }
    }
    return found;
  }

  @Override
  public QuantizedTensor read(String weight, Function<String, HostTensor> tensors) {
    HostTensor code = tensors.apply(weight + ".code");
    HostTensor bytes = tensors.apply(weight);
    HostTensor scale = tensors.apply(weight + ".scale");
    if (fault != Fault.READS_DAMAGED_PARTS) {
      if (code.shape().rank() != 1 || code.shape().size() < 1
          || code.integerAt(0) != code.shape().size() - 1) {
        throw new GraftException(weight + ".code is damaged");
      }
      if (scale.shape().size() != 1) {
        throw new GraftException(weight + ".scale holds " + scale.shape().size() + " numbers instead of one");
      }
    }
    Shape shape = Shape.of(new long[Math.max(0, (int) code.shape().size() - 1)]);
    for (int axis = 0; axis < shape.rank(); axis++) {
      shape = shape.with(axis, code.integerAt(axis + 1));
    }
    if (bytes.shape().size() != shape.size() && fault != Fault.READS_DAMAGED_PARTS) {
      throw new GraftException(
          weight + " holds " + bytes.shape().size() + " bytes instead of " + shape.size());
    }
    return new Code(this, weight, shape, bytes, scale, code);
  }

  @Override
  public QuantizedTensor encode(String weight, HostTensor value, Configuration options,
      SegmentAllocator memory) {
    double share = options.number("share", 1);
    if (!(share > 0 && share <= 1)) {
      options.fault("share", "must be above 0 and at most 1, not " + share);
    }
    if (fault != Fault.IGNORES_UNKNOWN_OPTIONS) {
      options.unread().forEach(key -> options.fault(key, "is not known"));
    }
    options.finish();
    double largest = 0;
    for (long i = 0; i < value.shape().size(); i++) {
      if (!Double.isFinite(value.at(i)) && fault != Fault.ACCEPTS_NAN) {
        throw new GraftException(weight + " holds " + value.at(i) + " at " + i);
      }
      largest = Math.max(largest, Math.abs(value.at(i)));
    }
    HostTensor scale = HostTensor.zeros(DType.F32, Shape.of(1));
    scale.set(0, largest / 127);
    HostTensor bytes = HostTensor.zeros(DType.U8, Shape.of(value.shape().size()));
    for (long i = 0; i < value.shape().size(); i++) {
      double steps = scale.at(0) == 0 ? 0 : value.at(i) / scale.at(0);
      bytes.set(i, 128 + (long) (fault == Fault.ROUNDS_DOWN ? Math.floor(steps) : Math.rint(steps)));
    }
    HostTensor code = HostTensor.zeros(DType.I64, Shape.of(value.shape().rank() + 1));
    code.set(0, (long) value.shape().rank());
    for (int axis = 0; axis < value.shape().rank(); axis++) {
      code.set(axis + 1, value.shape().dim(axis));
    }
    return new Code(this, weight, value.shape(), bytes, scale, code);
  }

  @Override
  public Map<String, @Nullable Object> modelConfig(Configuration options, DType compute) {
    return Map.of("quant_method", id());
  }

  private record Code(EightBitQuantizer quantizer, String weight, Shape shape, HostTensor bytes,
      HostTensor scale, HostTensor code) implements QuantizedTensor {
    @Override
    public DType dtype() {
      return DType.F32;
    }

    @Override
    public Map<String, HostTensor> stored() {
      Map<String, HostTensor> stored = new LinkedHashMap<>();
      stored.put(weight, bytes);
      stored.put(weight + ".scale", scale);
      stored.put(weight + ".code", code);
      return stored;
    }

    @Override
    public Map<String, HostTensor> resident() {
      return Map.of("bytes", bytes, "scale", scale);
    }

    @Override
    public Tensor decode(Map<String, Tensor> parts, DType type) {
      Tensor steps = Objects.requireNonNull(parts.get("bytes")).cast(DType.F32)
          .minus(quantizer.fault == Fault.GRAPH_DIFFERS ? 127 : 128);
      return steps.times(Objects.requireNonNull(parts.get("scale"))).reshape(shape).cast(type);
    }

    @Override
    public HostTensor decode(DType type) {
      HostTensor value = HostTensor.zeros(DType.F32, shape);
      for (long i = 0; i < shape.size(); i++) {
        value.set(i, (double) ((float) (bytes.integerAt(i) - 128) * (float) scale.at(0)));
      }
      return value.cast(type);
    }

    @Override
    public QuantizedTensor requantize(HostTensor value, SegmentAllocator memory) {
      return quantizer.encode(weight, value, new Configuration("the same options", Map.of()), memory);
    }
  }
}
