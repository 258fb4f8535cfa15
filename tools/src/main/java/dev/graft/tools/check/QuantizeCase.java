package dev.graft.tools.check;

import dev.graft.compiler.pass.Passes;
import dev.graft.error.GraftException;
import dev.graft.formats.Json;
import dev.graft.formats.SafetensorsFile;
import dev.graft.formats.TensorSource;
import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import dev.graft.spi.Configuration;
import dev.graft.spi.Program;
import dev.graft.spi.QuantizedTensor;
import dev.graft.spi.Quantizer;
import dev.graft.spi.Session;
import dev.graft.spi.SessionOptions;
import java.lang.foreign.Arena;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.LongPredicate;
import org.jspecify.annotations.Nullable;

/**
 * Compares a 4-bit code with bitsandbytes: codes, scales and decoded values of weights that are encoded here,
 * and decoded values of weights that are read as a checkpoint would have them. Decoding runs on the backend.
 */
record QuantizeCase(Case check, Quantizer quantizer, Configuration settings, boolean doubleQuant) {
  private static final Tolerance EXACT = new Tolerance(0, 0);
  private static final Tolerance CLOSE = new Tolerance(1e-6, 1e-6);
  private static final Tolerance SMALLEST_SCALE = new Tolerance(1e-37, 0);

  /** The parts whose bits are compared as they are stored. */
  private static final Set<String> MAPS = Set.of(".quant_map", ".nested_quant_map");

  QuantizeCase(Case check) {
    this(check, check.plugins().quantizer(check.json().text("quant_type", "")), check.json(),
        check.json().flag("double_quant", false));
  }

  void compare() {
    try (SafetensorsFile inputs = check.open(check.json().text("inputs", "inputs.safetensors"));
        SafetensorsFile expect = check.open("expect.safetensors");
        Session session = check.backend().open(SessionOptions.DEFAULT)) {
      List<String> weights = check.json().texts("weights");
      if (weights.isEmpty()) {
        throw new GraftException(check.json().source() + ": \"weights\" names no weight to quantise");
      }
      for (String weight : weights) {
        Expected expected = new Expected(weight, expect);
        HostTensor input = inputs.tensor(weight);
        QuantizedTensor encoded = encode(weight, input, doubleQuant);
        compareParts(encoded, encode(weight, input, false), expected);
        compareDecoded(session, weight + ".dequantized of own codes", encoded, expected,
            sameScale(encoded, expected));
        QuantizedTensor read = quantizer.read(weight, expected.checkpoint(encoded)::tensor);
        compareDecoded(session, weight + ".dequantized of expected codes", read, expected, _ -> true);
      }
    }
  }

  private long blockSize() {
    return settings.integer("blocksize");
  }

  private QuantizedTensor encode(String weight, HostTensor input, boolean nested) {
    Configuration options = new Configuration(check.json().source(),
        Map.of("block_size", blockSize(), "double_quant", nested));
    return quantizer.encode(weight, input, options, Arena.ofAuto());
  }

  private void compareParts(QuantizedTensor encoded, QuantizedTensor plain, Expected expected) {
    Comparison comparison = check.comparison();
    String weight = expected.weight();
    Map<String, HostTensor> stored = encoded.stored();
    compareCodes(stored, expected);
    HostTensor scales = Objects.requireNonNull(plain.stored().get(weight + ".absmax"));
    comparison.compare(weight + ".absmax in F32", scales, expected.scales(), SMALLEST_SCALE);
    if (!doubleQuant) {
      return;
    }
    Configuration tolerances = check.json().section("tolerance").orElse(check.json());
    comparison.compare(weight + ".absmax", part(stored, weight, ".absmax"), expected.part(".absmax"),
        new Tolerance(tolerances.number("absmax_u8_codes", 1), 0));
    Tolerance offset = Tolerance.read(tolerances, "nested_offset", CLOSE);
    comparison.compare(weight + ".nested_absmax", part(stored, weight, ".nested_absmax"),
        expected.part(".nested_absmax"), offset);
    comparison.value(weight + ".nested_offset", offset(stored), expected.part(".nested_offset").item(),
        offset);
    for (String map : MAPS) {
      comparison.compare(weight + map, part(stored, weight, map), expected.part(map), EXACT);
    }
  }

  /** Compares codes; another code is as good if it stands for the same value, or for one just as near. */
  private void compareCodes(Map<String, HostTensor> stored, Expected expected) {
    HostTensor own = part(stored, expected.weight(), "");
    HostTensor wanted = expected.part(".packed");
    if (!own.shape().equals(wanted.shape())) {
      check.comparison().fault(expected.weight() + ".packed has shape " + own.shape() + ", expected "
          + wanted.shape());
      return;
    }
    HostTensor map = expected.part(".quant_map");
    HostTensor scales = expected.scales();
    for (long i = 0; i < 2 * own.shape().size(); i++) {
      int code = code(own, i);
      int right = code(wanted, i);
      double scale = scales.at(Math.min(i / blockSize(), scales.shape().size() - 1));
      double difference = (map.at(code) - map.at(right)) * scale;
      if (code != right && Math.abs(difference) > SMALLEST_SCALE.atol()) {
        check.comparison().fault(
            expected.weight() + ".packed has code " + code + " at element " + i + ", expected " + right);
        return;
      }
    }
  }

  private static int code(HostTensor packed, long element) {
    long pair = packed.integerAt(element / 2);
    return (int) (element % 2 == 0 ? pair >> 4 : pair & 15);
  }

  /** Returns which elements lie in a block whose 8-bit scale is the expected one. */
  private LongPredicate sameScale(QuantizedTensor encoded, Expected expected) {
    if (!doubleQuant) {
      return _ -> true;
    }
    HostTensor own = part(encoded.stored(), expected.weight(), ".absmax");
    HostTensor wanted = expected.part(".absmax");
    return i -> own.integerAt(i / blockSize()) == wanted.integerAt(i / blockSize());
  }

  private void compareDecoded(Session session, String what, QuantizedTensor tensor, Expected expected,
      LongPredicate wanted) {
    Configuration tolerances = check.json().section("tolerance").orElse(check.json());
    check.comparison().compare(what, decode(session, tensor), expected.part(".dequantized"),
        Tolerance.read(tolerances, "dequantized", CLOSE), wanted);
  }

  private HostTensor decode(Session session, QuantizedTensor tensor) {
    Map<String, Tensor> parts = new LinkedHashMap<>();
    tensor.resident().forEach((part, value) -> {
      session.upload(part, value);
      parts.put(part, Tensor.variable(part, value.dtype(), value.shape()));
    });
    Map<String, Tensor> outputs = Map.of("decoded", tensor.decode(parts, check.type()));
    try (Program program = session
        .compile(Passes.standard().apply(Graph.of("decode", outputs, List.of())))) {
      return Objects.requireNonNull(program.run(Map.of()).get("decoded"));
    } finally {
      parts.keySet().forEach(session::release);
    }
  }

  private static HostTensor part(Map<String, HostTensor> stored, String weight, String suffix) {
    HostTensor part = stored.get(weight + suffix);
    if (part == null) {
      throw new GraftException("The quantizer stores no " + weight + suffix);
    }
    return part;
  }

  private static double offset(Map<String, HostTensor> stored) {
    Map<String, @Nullable Object> state = state(stored);
    return state.get("nested_offset") instanceof Number offset ? offset.doubleValue() : Double.NaN;
  }

  private static String stateName(Map<String, HostTensor> stored) {
    return stored.keySet().stream().filter(name -> name.contains(".quant_state.")).findFirst()
        .orElseThrow(() -> new GraftException("The quantizer stores no quant_state"));
  }

  private static Map<String, @Nullable Object> state(Map<String, HostTensor> stored) {
    String name = stateName(stored);
    byte[] bytes = Objects.requireNonNull(stored.get(name)).segment()
        .toArray(java.lang.foreign.ValueLayout.JAVA_BYTE);
    return Json.object(new String(bytes, StandardCharsets.UTF_8), name);
  }

  /**
   * Gives what bitsandbytes recorded of a weight.
   *
   * @param weight the weight's name
   * @param file all that was recorded
   */
  private record Expected(String weight, SafetensorsFile file) {
    HostTensor part(String suffix) {
      return file.tensor(suffix.equals(".quant_map") ? "quant_map" : weight + suffix);
    }

    /** Returns the scales before they were encoded in turn, F32. */
    HostTensor scales() {
      String encoded = weight + ".absmax_f32";
      return file.tensor(file.names().contains(encoded) ? encoded : weight + ".absmax");
    }

    /** Returns the tensors that a checkpoint with these codes would hold. */
    TensorSource checkpoint(QuantizedTensor encoded) {
      Map<String, HostTensor> stored = encoded.stored();
      Map<String, HostTensor> tensors = new LinkedHashMap<>();
      for (String name : stored.keySet()) {
        String suffix = name.substring(weight.length());
        tensors.put(name, suffix.startsWith(".quant_state.")
            ? state(stored)
            : part(suffix.isEmpty() ? ".packed" : suffix));
      }
      return TensorSource.of(tensors);
    }

    private HostTensor state(Map<String, HostTensor> stored) {
      Map<String, @Nullable Object> state = new LinkedHashMap<>(QuantizeCase.state(stored));
      if (state.containsKey("nested_offset")) {
        state.put("nested_offset", part(".nested_offset").item());
      }
      byte[] json = Json.format(state).getBytes(StandardCharsets.UTF_8);
      return HostTensor.ofBytes(DType.U8, Shape.of(json.length), json);
    }
  }
}
