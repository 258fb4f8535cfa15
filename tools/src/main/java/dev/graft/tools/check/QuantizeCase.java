package dev.graft.tools.check;

import dev.graft.compiler.pass.Passes;
import dev.graft.error.GraftException;
import dev.graft.formats.SafetensorsFile;
import dev.graft.graph.Graph;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Tensor;
import dev.graft.spi.Configuration;
import dev.graft.spi.Program;
import dev.graft.spi.QuantizedTensor;
import dev.graft.spi.Quantizer;
import dev.graft.spi.Session;
import dev.graft.spi.SessionOptions;
import java.lang.foreign.Arena;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.LongPredicate;

/**
 * Compares a 4-bit code with bitsandbytes: codes, scales and decoded values of weights that are encoded here,
 * and decoded values of weights that are read as a checkpoint would have them. Decoding runs on the backend.
 */
record QuantizeCase(Case check, Quantizer quantizer, Configuration settings, boolean doubleQuant) {
  private static final Tolerance EXACT = new Tolerance(0, 0);
  private static final Tolerance CLOSE = new Tolerance(1e-6, 1e-6);
  private static final Tolerance SMALLEST_SCALE = new Tolerance(1e-37, 0);

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
        HostTensor input = inputs.tensor(weight);
        QuantizedTensor encoded = encode(weight, input, doubleQuant);
        BitsandbytesWeight own = BitsandbytesWeight.stored(weight, encoded.stored());
        BitsandbytesWeight expected = BitsandbytesWeight.recorded(weight, expect);
        HostTensor scales = BitsandbytesWeight.recordedScales(weight, expect);
        compareCodes(own, expected, scales);
        BitsandbytesWeight plain = BitsandbytesWeight.stored(weight, encode(weight, input, false).stored());
        check.comparison().compare(weight + ".absmax in F32", plain.scales(), scales, SMALLEST_SCALE);
        if (doubleQuant) {
          compareScales(own, expected);
        }
        compareDecoded(session, weight + ".dequantized of own codes", encoded, expected,
            sameScale(own, expected));
        QuantizedTensor read = quantizer.read(weight, expected.checkpoint(encoded.stored())::tensor);
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

  /** Compares codes; another code is as good if it stands for the same value, or for one just as near. */
  private void compareCodes(BitsandbytesWeight own, BitsandbytesWeight expected, HostTensor scales) {
    String what = expected.name() + ".packed";
    HostTensor packed = own.packed();
    HostTensor wanted = expected.packed();
    if (!packed.shape().equals(wanted.shape())) {
      check.comparison().fault(what + " has shape " + packed.shape() + ", expected " + wanted.shape());
      return;
    }
    HostTensor book = expected.codeBook();
    for (long i = 0; i < 2 * packed.shape().size(); i++) {
      int code = BitsandbytesWeight.code(packed, i);
      int right = BitsandbytesWeight.code(wanted, i);
      double scale = scales.at(Math.min(i / blockSize(), scales.shape().size() - 1));
      double difference = (book.at(code) - book.at(right)) * scale;
      if (code != right && Math.abs(difference) > SMALLEST_SCALE.atol()) {
        check.comparison().fault(what + " has code " + code + " at element " + i + ", expected " + right);
        return;
      }
    }
  }

  /** Compares the codes of the scales. */
  private void compareScales(BitsandbytesWeight own, BitsandbytesWeight expected) {
    Comparison comparison = check.comparison();
    String weight = expected.name();
    Configuration tolerances = check.json().section("tolerance").orElse(check.json());
    comparison.compare(weight + ".absmax", own.scales(), expected.scales(),
        new Tolerance(tolerances.number("absmax_u8_codes", 1), 0));
    Tolerance offset = Tolerance.read(tolerances, "nested_offset", CLOSE);
    comparison.compare(weight + ".nested_absmax", own.nestedScales(), expected.nestedScales(), offset);
    comparison.value(weight + ".nested_offset", own.nestedOffset(), expected.nestedOffset(), offset);
    comparison.compare(weight + ".quant_map", own.codeBook(), expected.codeBook(), EXACT);
    comparison.compare(weight + ".nested_quant_map", own.nestedCodeBook(), expected.nestedCodeBook(), EXACT);
  }

  /** Returns which elements lie in a block whose 8-bit scale is the expected one. */
  private LongPredicate sameScale(BitsandbytesWeight own, BitsandbytesWeight expected) {
    if (!doubleQuant) {
      return _ -> true;
    }
    HostTensor scales = own.scales();
    HostTensor wanted = expected.scales();
    return i -> scales.integerAt(i / blockSize()) == wanted.integerAt(i / blockSize());
  }

  private void compareDecoded(Session session, String what, QuantizedTensor tensor,
      BitsandbytesWeight expected,
      LongPredicate wanted) {
    Configuration tolerances = check.json().section("tolerance").orElse(check.json());
    check.comparison().compare(what, decode(session, tensor), expected.dequantized(),
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
}
