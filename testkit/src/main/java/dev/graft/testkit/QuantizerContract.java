package dev.graft.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.graft.backend.reference.ReferenceBackend;
import dev.graft.core.TokenBatch;
import dev.graft.core.graphs.RowGroup;
import dev.graft.core.weights.BaseModel;
import dev.graft.error.GraftException;
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
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Function;
import java.util.stream.Stream;
import org.apiguardian.api.API;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.TestReporter;

/**
 * Tests a quantizer by its error, its files and the graph of its decoding. A quantizer's test extends it:
 *
 * <pre>{@code
 * class MyQuantizerTests extends QuantizerContract {
 *   protected Quantizer quantizer() {
 *     return new MyQuantizer();
 *   }
 *
 *   protected List<QuantizerSample> samples() {
 *     return List.of(QuantizerSample.of(Map.of("block_size", 64L), 0.16));
 *   }
 * }
 * }</pre>
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public abstract class QuantizerContract {
  private static final String WEIGHT = "model.layers.0.mlp.up_proj.weight";
  private static final List<Shape> SHAPES = List.of(Shape.of(1), Shape.of(1, 1), Shape.of(3, 5),
      Shape.of(64, 64), Shape.of(7, 100), Shape.of(33, 130));
  private static final int MOST_BITS = 16;

  /** Returns the quantizer under test. */
  protected abstract Quantizer quantizer();

  /** Returns options that together use all that the quantizer can do. */
  protected abstract List<QuantizerSample> samples();

  @BeforeAll
  static void reportTheSeed(TestReporter reporter) {
    reporter.publishEntry(Seed.PROPERTY, String.valueOf(Seed.VALUE));
  }

  private Stream<DynamicTest> each(SampleTest body) {
    List<QuantizerSample> samples = samples();
    assertThat(samples).as("samples").isNotEmpty();
    return samples.stream()
        .map(sample -> dynamicTest(sample.options().toString(), () -> body.run(sample)));
  }

  private interface SampleTest {
    void run(QuantizerSample sample) throws Exception;
  }

  private QuantizedTensor encode(QuantizerSample sample, HostTensor value) {
    return encode(sample, WEIGHT, value);
  }

  private QuantizedTensor encode(QuantizerSample sample, String weight, HostTensor value) {
    return quantizer().encode(weight, value, new Configuration("the sample", sample.options()),
        Arena.ofAuto());
  }

  private static HostTensor values(QuantizerSample sample, Shape shape) {
    return Values.between(-0.3, 0.3, DType.F32, shape, Seed.stream(sample.options() + " " + shape));
  }

  @Test
  void identifiesItself() {
    PluginRules.check(quantizer());
  }

  @TestFactory
  Stream<DynamicTest> decodedValuesAreWithinTheBound() {
    return each(sample -> {
      for (Shape shape : SHAPES) {
        HostTensor value = values(sample, shape);
        QuantizedTensor code = encode(sample, value);
        assertThat(code.shape()).isEqualTo(shape);
        assertThat(Nearness.distance(code.decode(DType.F32), value)).as("error of %s, %s", shape, Seed.hint())
            .isLessThanOrEqualTo(sample.errorBound() * Nearness.largest(value));
      }
    });
  }

  @TestFactory
  Stream<DynamicTest> zerosStayZero() {
    return each(sample -> {
      HostTensor zeros = HostTensor.zeros(DType.F32, Shape.of(16, 65));
      assertThat(Nearness.largest(encode(sample, zeros).decode(DType.F32))).isZero();
    });
  }

  @TestFactory
  Stream<DynamicTest> encodingWhatWasDecodedChangesNothing() {
    return each(sample -> {
      for (Shape shape : SHAPES) {
        QuantizedTensor once = encode(sample, values(sample, shape));
        HostTensor decoded = once.decode(DType.F32);
        for (QuantizedTensor twice : List.of(encode(sample, decoded),
            once.requantize(decoded, Arena.ofAuto()))) {
          assertThat(twice.stored().keySet()).isEqualTo(once.stored().keySet());
          assertThat(Nearness.distance(twice.decode(DType.F32), decoded)).as("change of %s", shape)
              .isLessThanOrEqualTo(sample.repeatBound() * Nearness.largest(decoded));
        }
      }
    });
  }

  @TestFactory
  Stream<DynamicTest> takesFewBits() {
    return each(sample -> {
      QuantizedTensor code = encode(sample, values(sample, Shape.of(128, 256)));
      assertThat(8.0 * bytes(code.stored()) / code.shape().size()).as("stored bits of a weight")
          .isLessThan(MOST_BITS);
      assertThat(8.0 * bytes(code.resident()) / code.shape().size()).as("bits of a weight on the device")
          .isLessThan(MOST_BITS);
    });
  }

  private static long bytes(Map<String, HostTensor> parts) {
    return parts.values().stream().mapToLong(HostTensor::bytes).sum();
  }

  @TestFactory
  Stream<DynamicTest> theGraphDecodesAsTheHostDoes() {
    return each(sample -> {
      for (Shape shape : SHAPES) {
        QuantizedTensor code = encode(sample, values(sample, shape));
        for (DType type : List.of(DType.F32, DType.BF16, DType.F16, DType.F64)) {
          Optional<String> fault = Nearness.sameNumbers(decodeInGraph(code, type), code.decode(type));
          assertThat(fault).as("%s as %s", shape, type).isEmpty();
        }
      }
    });
  }

  private static HostTensor decodeInGraph(QuantizedTensor code, DType type) {
    try (Session session = new ReferenceBackend().open(SessionOptions.DEFAULT)) {
      Map<String, Tensor> parts = new LinkedHashMap<>();
      code.resident().forEach((part, value) -> {
        session.upload(part, value);
        parts.put(part, Tensor.variable(part, value.dtype(), value.shape()));
      });
      Graph graph = Graph.of("decode", Map.of("weight", code.decode(parts, type)), List.of());
      try (Program program = session.compile(graph)) {
        return SessionRules.result(program.run(Map.of()), "weight");
      }
    }
  }

  @TestFactory
  Stream<DynamicTest> storedPartsAreRecognisedAndRead() {
    return each(sample -> {
      for (Shape shape : SHAPES) {
        QuantizedTensor code = encode(sample, values(sample, shape));
        Map<String, HostTensor> stored = code.stored();
        Set<String> checkpoint = new TreeSet<>(stored.keySet());
        checkpoint.addAll(List.of("model.norm.weight", WEIGHT + "_2", "model.layers.1.mlp.up_proj.weight"));
        assertThat(quantizer().parts(WEIGHT, checkpoint)).isEqualTo(stored.keySet());
        assertThat(quantizer().parts("model.norm.weight", checkpoint)).isEmpty();

        QuantizedTensor read = quantizer().read(WEIGHT, from(stored));
        assertThat(read.shape()).isEqualTo(shape);
        assertThat(read.dtype()).isEqualTo(code.dtype());
        assertThat(Values.sameBits(read.decode(DType.F32), code.decode(DType.F32))).as("bits of " + shape)
            .isTrue();
      }
    });
  }

  private static Function<String, HostTensor> from(Map<String, HostTensor> stored) {
    return name -> Objects.requireNonNull(stored.get(name), () -> "there is no " + name);
  }

  @Test
  void aDenseWeightIsLeftAlone() {
    assertThat(quantizer().parts(WEIGHT, Set.of(WEIGHT, "model.norm.weight"))).isEmpty();
  }

  @TestFactory
  Stream<DynamicTest> aMissingPartIsNamed() {
    return each(sample -> {
      Map<String, HostTensor> stored = encode(sample, values(sample, Shape.of(64, 64))).stored();
      for (String part : stored.keySet()) {
        Set<String> rest = new TreeSet<>(stored.keySet());
        rest.remove(part);
        assertThatThrownBy(() -> quantizer().parts(WEIGHT, rest)).as("without " + part)
            .isInstanceOf(GraftException.class).hasMessageContaining(codeFree(part));
      }
    });
  }

  /** Cuts off what a part's name says of the code: without the part, the code may be unknown. */
  private static String codeFree(String part) {
    int mark = part.lastIndexOf("__");
    return mark < 0 ? part : part.substring(0, mark);
  }

  @TestFactory
  Stream<DynamicTest> aDamagedPartIsNamed() {
    return each(sample -> {
      Map<String, HostTensor> stored = encode(sample, values(sample, Shape.of(64, 64))).stored();
      for (String part : stored.keySet()) {
        Map<String, HostTensor> damaged = new LinkedHashMap<>(stored);
        HostTensor whole = Objects.requireNonNull(stored.get(part));
        long size = whole.shape().size() - 1;
        damaged.put(part, HostTensor.wrap(whole.dtype(), Shape.of(size),
            whole.segment().asSlice(0, size * whole.dtype().bytes())));
        assertThatThrownBy(() -> quantizer().read(WEIGHT, from(damaged))).as("short " + part)
            .isInstanceOf(GraftException.class).hasMessageContaining(part);
      }
    });
  }

  @TestFactory
  Stream<DynamicTest> refusesWhatNoCodeHolds() {
    return each(sample -> {
      for (double wrong : new double[]{Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY}) {
        HostTensor value = Values.copy(values(sample, Shape.of(64, 64)));
        value.set(77, wrong);
        assertThatThrownBy(() -> encode(sample, value)).isInstanceOf(GraftException.class)
            .hasMessageContaining(WEIGHT);
      }
    });
  }

  @TestFactory
  Stream<DynamicTest> faultyOptionsAreReportedNotThrown() {
    return each(sample -> {
      HostTensor value = values(sample, Shape.of(8, 8));
      for (String key : sample.options().keySet()) {
        for (Object junk : List.of(-1L, 0L, 1e300, 0.5, true, "", "nonsense", List.of(), Map.of())) {
          Map<String, Object> options = new LinkedHashMap<>(sample.options());
          options.put(key, junk);
          assertThatCode(() -> quantizer().encode(WEIGHT, value, new Configuration("junk", options),
              Arena.ofAuto())).as("\"%s\": %s", key, junk)
              .satisfiesAnyOf(fault -> assertThat(fault).isNull(),
                  fault -> assertThat(fault).isInstanceOf(GraftException.class).hasMessageContaining(key));
        }
      }
      Map<String, Object> options = new LinkedHashMap<>(sample.options());
      options.put("no_such_option", 1L);
      assertThatThrownBy(() -> quantizer().encode(WEIGHT, value, new Configuration("junk", options),
          Arena.ofAuto())).isInstanceOf(GraftException.class).hasMessageContaining("no_such_option");
    });
  }

  @TestFactory
  Stream<DynamicTest> worksInManyThreadsAtOnce() {
    return each(sample -> {
      HostTensor value = values(sample, Shape.of(64, 130));
      QuantizedTensor shared = encode(sample, value);
      HostTensor expected = shared.decode(DType.F32);
      List<Future<Boolean>> same = new ArrayList<>();
      try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
        for (int i = 0; i < 16; i++) {
          same.add(threads.submit(() -> Values.sameBits(encode(sample, value).decode(DType.F32), expected)
              && Values.sameBits(shared.decode(DType.F32), expected)
              && Values.sameBits(quantizer().read(WEIGHT, from(shared.stored())).decode(DType.F32),
                  expected)));
        }
      }
      for (Future<Boolean> each : same) {
        assertThat(each.get()).as("the bits of one thread").isTrue();
      }
    });
  }

  @TestFactory
  Stream<DynamicTest> aModelRunsOnItsCodes() {
    return each(sample -> {
      TinyModel model = new TinyModel(true);
      BaseModel plain = Bench.randomWeights(model, Seed.stream("quantised model"));
      Map<String, HostTensor> codes = new LinkedHashMap<>();
      Map<String, HostTensor> decoded = new LinkedHashMap<>();
      plain.outline().parameters().forEach((name, shape) -> {
        HostTensor value = plain.value(name, DType.F32);
        // A Conv1D is encoded the other way round, which is the matter of who writes the checkpoint.
        if (name.contains("_proj.weight") && !name.contains("down_proj")) {
          QuantizedTensor code = encode(sample, name, value);
          codes.putAll(code.stored());
          decoded.put(name, code.decode(DType.F32));
        } else {
          codes.put(name, value);
          decoded.put(name, value);
        }
      });
      BaseModel quantized = new BaseModel(model, TensorSource.of(codes), List.of(quantizer()));
      assertThat(quantized.quantized()).hasSize(10);
      assertThat(quantized.unused()).as("parts that nobody read").isEmpty();
      try (Bench coded = new Bench(quantized, DType.F32);
          Bench dense = new Bench(new BaseModel(model, TensorSource.of(decoded), List.of()), DType.F32)) {
        TokenBatch batch = dense.batch(2, 6, Seed.stream("quantised batch"));
        assertThat(
            Nearness.distance(coded.logits(RowGroup.base(2), batch), dense.logits(RowGroup.base(2), batch)))
            .isLessThan(1e-5);
      }
    });
  }
}
