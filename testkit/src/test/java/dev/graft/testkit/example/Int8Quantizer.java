package dev.graft.testkit.example;

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
 * Stores weights as LLM.int8() checkpoints do: a row's elements are whole multiples of its largest magnitude
 * over 127.
 */
public final class Int8Quantizer implements Quantizer {
  @Override
  public String id() {
    return "int8-rows";
  }

  @Override
  public String description() {
    return "8-bit integers with one scale a row, as LLM.int8() stores them";
  }

  /** Returns the names of a weight's parts: the integers, the rows' magnitudes, and the layout, always 0. */
  private static List<String> names(String weight) {
    String module = weight.substring(0, weight.lastIndexOf('.') + 1);
    return List.of(weight, module + "SCB", module + "weight_format");
  }

  @Override
  public Set<String> parts(String weight, Set<String> names) {
    Set<String> found = new TreeSet<>(names(weight));
    found.retainAll(names);
    if (!weight.endsWith(".weight") || found.isEmpty() || found.equals(Set.of(weight))) {
      return Set.of();
    }
    for (String part : names(weight)) {
      if (!found.contains(part)) {
        throw new GraftException(part + " is missing, without which " + weight + " cannot be decoded");
      }
    }
    return found;
  }

  @Override
  public QuantizedTensor read(String weight, Function<String, HostTensor> tensors) {
    List<String> names = names(weight);
    HostTensor steps = tensors.apply(names.get(0));
    HostTensor magnitudes = tensors.apply(names.get(1));
    HostTensor layout = tensors.apply(names.get(2));
    if (layout.dtype() != DType.U8 || layout.shape().size() != 1 || layout.integerAt(0) != 0) {
      throw new GraftException(names.get(2) + " must be one U8, 0 for rows: other layouts cannot be read");
    }
    if (steps.dtype() != DType.I8 || steps.shape().rank() < 1 || magnitudes.dtype() != DType.F32
        || !magnitudes.shape().equals(Shape.of(steps.shape().dim(0)))) {
      throw new GraftException(weight + " must be I8 and " + names.get(1) + " F32 of one number a row, not "
          + steps + " and " + magnitudes);
    }
    return new Rows(weight, steps, magnitudes);
  }

  @Override
  public QuantizedTensor encode(String weight, HostTensor value, Configuration options,
      SegmentAllocator memory) {
    options.unread().forEach(key -> options.fault(key, "is not known: this code has no options"));
    options.finish();
    return rows(weight, value, memory);
  }

  private static Rows rows(String weight, HostTensor value, SegmentAllocator memory) {
    Shape shape = value.shape();
    long rows = shape.dim(0);
    long width = rows == 0 ? 0 : shape.size() / rows;
    HostTensor steps = HostTensor.wrap(DType.I8, shape, memory.allocate(shape.size()));
    HostTensor magnitudes = HostTensor.wrap(DType.F32, Shape.of(rows), memory.allocate(4 * rows, 4));
    for (long row = 0; row < rows; row++) {
      double largest = 0;
      for (long i = row * width; i < (row + 1) * width; i++) {
        if (!Double.isFinite(value.at(i))) {
          throw new GraftException(weight + " holds " + value.at(i) + " in row " + row);
        }
        largest = Math.max(largest, Math.abs(value.at(i)));
      }
      magnitudes.set(row, largest);
      for (long i = row * width; i < (row + 1) * width; i++) {
        steps.set(i, largest == 0 ? 0L : (long) Math.rint(127 * value.at(i) / largest));
      }
    }
    return new Rows(weight, steps, magnitudes);
  }

  @Override
  public Map<String, @Nullable Object> modelConfig(Configuration options, DType compute) {
    return Map.of("quant_method", "bitsandbytes", "load_in_8bit", true);
  }

  private record Rows(String weight, HostTensor steps, HostTensor magnitudes) implements QuantizedTensor {
    @Override
    public Shape shape() {
      return steps.shape();
    }

    @Override
    public DType dtype() {
      return DType.F32;
    }

    @Override
    public Map<String, HostTensor> stored() {
      List<String> names = names(weight);
      Map<String, HostTensor> stored = new LinkedHashMap<>();
      stored.put(names.get(0), steps);
      stored.put(names.get(1), magnitudes);
      stored.put(names.get(2), HostTensor.zeros(DType.U8, Shape.of()));
      return stored;
    }

    @Override
    public Map<String, HostTensor> resident() {
      return Map.of("steps", steps, "magnitudes", magnitudes);
    }

    @Override
    public Tensor decode(Map<String, Tensor> parts, DType type) {
      Shape perRow = shape();
      for (int axis = 1; axis < perRow.rank(); axis++) {
        perRow = perRow.with(axis, 1);
      }
      Tensor scale = Objects.requireNonNull(parts.get("magnitudes")).reshape(perRow)
          .dividedBy(Tensor.scalar(127, DType.F32));
      return Objects.requireNonNull(parts.get("steps")).cast(DType.F32).times(scale).cast(type);
    }

    @Override
    public HostTensor decode(DType type) {
      HostTensor value = HostTensor.zeros(DType.F32, shape());
      long rows = shape().dim(0);
      long width = rows == 0 ? 0 : shape().size() / rows;
      for (long i = 0; i < rows * width; i++) {
        float scale = (float) magnitudes.at(i / width) / 127;
        value.set(i, (double) (steps.integerAt(i) * scale));
      }
      return value.cast(type);
    }

    @Override
    public QuantizedTensor requantize(HostTensor value, SegmentAllocator memory) {
      return rows(weight, value, memory);
    }
  }
}
