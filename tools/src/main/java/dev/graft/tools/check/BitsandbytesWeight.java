package dev.graft.tools.check;

import dev.graft.error.GraftException;
import dev.graft.formats.Json;
import dev.graft.formats.SafetensorsFile;
import dev.graft.formats.TensorSource;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Gives the parts of a weight in one of bitsandbytes' 4-bit codes, which go by other names in a checkpoint than in
 * what was recorded of bitsandbytes.
 *
 * @param name the weight's name
 * @param part gives a part by one of the names below, without the weight's name before it
 */
record BitsandbytesWeight(String name, Function<String, HostTensor> part) {
  private static final String PACKED = ".packed";
  private static final String ABSMAX = ".absmax";
  private static final String QUANT_MAP = ".quant_map";
  private static final String NESTED_ABSMAX = ".nested_absmax";
  private static final String NESTED_QUANT_MAP = ".nested_quant_map";
  private static final String NESTED_OFFSET = ".nested_offset";
  private static final String STATE = ".quant_state.";
  private static final String OFFSET_OF_STATE = "nested_offset";

  /** Returns a weight as a checkpoint stores it. */
  static BitsandbytesWeight stored(String name, Map<String, HostTensor> tensors) {
    return new BitsandbytesWeight(name, part -> {
      if (part.equals(NESTED_OFFSET)) {
        return HostTensor.scalar(DType.F64,
            state(tensors).get(OFFSET_OF_STATE) instanceof Number offset ? offset.doubleValue() : Double.NaN);
      }
      String stored = name + (part.equals(PACKED) ? "" : part);
      HostTensor tensor = tensors.get(stored);
      if (tensor == null) {
        throw new GraftException("The quantizer stores no " + stored);
      }
      return tensor;
    });
  }

  /** Returns a weight as bitsandbytes' own was recorded. */
  static BitsandbytesWeight recorded(String name, SafetensorsFile file) {
    return new BitsandbytesWeight(name,
        part -> file.tensor(part.equals(QUANT_MAP) ? QUANT_MAP.substring(1) : name + part));
  }

  /** Returns the recorded scales before they were encoded in turn, F32. */
  static HostTensor recordedScales(String name, SafetensorsFile file) {
    String encoded = name + ABSMAX + "_f32";
    return file.tensor(file.names().contains(encoded) ? encoded : name + ABSMAX);
  }

  /** Returns the codes, two in a byte. */
  HostTensor packed() {
    return part.apply(PACKED);
  }

  /** Returns the code of an element. */
  static int code(HostTensor packed, long element) {
    long pair = packed.integerAt(element / 2);
    return (int) (element % 2 == 0 ? pair >> 4 : pair & 15);
  }

  /** Returns what each code stands for. */
  HostTensor codeBook() {
    return part.apply(QUANT_MAP);
  }

  /** Returns the scales, or their codes. */
  HostTensor scales() {
    return part.apply(ABSMAX);
  }

  /** Returns the scales of the scales' codes. */
  HostTensor nestedScales() {
    return part.apply(NESTED_ABSMAX);
  }

  /** Returns what the scales' codes stand for. */
  HostTensor nestedCodeBook() {
    return part.apply(NESTED_QUANT_MAP);
  }

  /** Returns what was taken off the scales before they were encoded. */
  double nestedOffset() {
    return part.apply(NESTED_OFFSET).item();
  }

  /** Returns what was decoded of the codes. */
  HostTensor dequantized() {
    return part.apply(".dequantized");
  }

  /**
   * Returns the tensors that a checkpoint with this weight would hold.
   *
   * @param alike what a checkpoint holds of the same weight in the same code
   */
  TensorSource checkpoint(Map<String, HostTensor> alike) {
    Map<String, HostTensor> tensors = new LinkedHashMap<>();
    for (String stored : alike.keySet()) {
      String suffix = stored.substring(name.length());
      tensors.put(stored,
          suffix.startsWith(STATE) ? stateLike(alike) : part.apply(suffix.isEmpty() ? PACKED : suffix));
    }
    return TensorSource.of(tensors);
  }

  private HostTensor stateLike(Map<String, HostTensor> alike) {
    Map<String, @Nullable Object> state = new LinkedHashMap<>(state(alike));
    if (state.containsKey(OFFSET_OF_STATE)) {
      state.put(OFFSET_OF_STATE, nestedOffset());
    }
    byte[] json = Json.format(state).getBytes(StandardCharsets.UTF_8);
    return HostTensor.ofBytes(DType.U8, Shape.of(json.length), json);
  }

  private static Map<String, @Nullable Object> state(Map<String, HostTensor> stored) {
    String name = stored.keySet().stream().filter(tensor -> tensor.contains(STATE)).findFirst()
        .orElseThrow(() -> new GraftException("The quantizer stores no quant_state"));
    byte[] bytes = Objects.requireNonNull(stored.get(name)).segment().toArray(ValueLayout.JAVA_BYTE);
    return Json.object(new String(bytes, StandardCharsets.UTF_8), name);
  }
}
