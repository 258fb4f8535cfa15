package dev.graft.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.graft.error.GraftException;
import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Primitive;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import dev.graft.graph.nn.Softmax;
import dev.graft.spi.Availability;
import dev.graft.spi.Backend;
import dev.graft.spi.Capabilities.Feature;
import dev.graft.spi.Program;
import dev.graft.spi.Session;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.apiguardian.api.API;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.TestReporter;

/**
 * Tests a backend against the reference backend and the duties of sessions. A backend's test extends it:
 *
 * <pre>{@code
 * class MyBackendTests extends BackendContract {
 *   protected Backend backend() {
 *     return new MyBackend();
 *   }
 * }
 * }</pre>
 *
 * <p>
 * Every primitive runs on seeded random operands, empty, one-sized and broadcast ones among them, in every
 * compute type that the backend claims; every composite runs whole and decomposed. What only moves, compares
 * or selects, and all arithmetic of integers, must equal the reference backend's result exactly. Rounded
 * results must lie within 1e-12 (F64), 1e-5 (F32), 2⁻⁹ (F16) or 2⁻⁷ (BF16) of the result in F64, relative to
 * the largest expected number, and within four times that for composites.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public abstract class BackendContract extends AssignmentRules {
  /** Returns the backend under test; it must be available on this machine. */
  @Override
  protected abstract Backend backend();

  @BeforeAll
  static void reportTheSeed(TestReporter reporter) {
    reporter.publishEntry(Seed.PROPERTY, String.valueOf(Seed.VALUE));
  }

  private Set<DType> computeTypes() {
    Set<DType> types = EnumSet.noneOf(DType.class);
    types.addAll(backend().capabilities().computeTypes());
    return types;
  }

  @Test
  void identifiesItself() {
    PluginRules.check(backend());
  }

  @Test
  void isAvailable() {
    assertThat(backend().availability()).isInstanceOf(Availability.Available.class);
  }

  @Test
  void claimsSinglePrecisionAndOnlyFloatingTypes() {
    assertThat(computeTypes()).contains(DType.F32).allMatch(DType::isFloating);
  }

  @TestFactory
  Stream<DynamicTest> primitivesEqualTheReference() {
    List<DynamicTest> tests = new ArrayList<>();
    Set<DType> types = EnumSet.of(DType.I64, DType.I32, DType.I8, DType.U8, DType.BOOL);
    types.addAll(computeTypes());
    for (DType type : types) {
      add(tests, type, new ElementwiseSamples(type, Seed.stream("elementwise " + type)).all());
      add(tests, type, new MovementSamples(type, Seed.stream("movement " + type)).all());
      if (type != DType.BOOL) {
        add(tests, type, new SumSamples(type, Seed.stream("sums " + type)).all());
      }
    }
    return tests.stream();
  }

  @TestFactory
  Stream<DynamicTest> conversionsEqualTheReference() {
    List<DynamicTest> tests = new ArrayList<>();
    for (DType from : storedTypes()) {
      Map<String, List<Sample>> samples = new LinkedHashMap<>();
      for (DType to : storedTypes()) {
        samples.put("cast to " + to, CastSamples.of(from, to, Seed.stream("cast " + from + " " + to)));
      }
      add(tests, from, samples);
    }
    return tests.stream();
  }

  @TestFactory
  Stream<DynamicTest> compositesEqualTheirDecompositions() {
    List<DynamicTest> tests = new ArrayList<>();
    for (DType type : computeTypes()) {
      add(tests, type, new CompositeSamples(type, Seed.stream("composites " + type)).all());
    }
    return tests.stream();
  }

  private void add(List<DynamicTest> tests, DType type, Map<String, List<Sample>> samples) {
    samples.forEach((operation, list) -> {
      String name = operation + " in " + type;
      tests.add(dynamicTest(name, () -> new SampleRun(list, Seed.stream(name)).check(backend())));
    });
  }

  @Test
  void refusesToMultiplyInTypesThatItDoesNotClaim() {
    Set<DType> others = EnumSet.allOf(DType.class);
    others.removeIf(type -> !type.isFloating() || computeTypes().contains(type));
    assumeTrue(!others.isEmpty(), "claims every floating-point type");
    for (DType type : others) {
      Tensor x = Tensor.input("x", type, 2, 2);
      assertThat(backend().refusals(Graph.of("contract", Map.of("y", x.matmul(x)), List.of())))
          .as("foretold in " + type).singleElement().satisfies(refusal -> {
            assertThat(refusal.operation()).isEqualTo("matmul");
            assertThat(refusal.type()).isEqualTo(type);
            assertThat(refusal.reason()).isNotBlank();
          });
      try (Session session = open()) {
        assertThatThrownBy(() -> compile(session, Map.of("y", x.matmul(x)))).as(type.toString())
            .isInstanceOf(GraftException.class).hasMessageContaining(backend().id())
            .hasMessageContaining("matmul").hasMessageContaining(type.toString());
      }
    }
  }

  @Test
  void givesTheSameBitsInEveryRunIfItClaimsTo() {
    assumeTrue(backend().capabilities().features().contains(Feature.DETERMINISTIC),
        "does not claim to be deterministic");
    Random random = Seed.stream("determinism");
    for (DType type : computeTypes()) {
      HostTensor x = Values.any(type, Shape.of(96, 257), random);
      HostTensor index = Values.integers(0, 3, DType.I64, Shape.of(96), random);
      List<HostTensor> first = everythingThatSums(x, index);
      List<HostTensor> second = everythingThatSums(x, index);
      for (int i = 0; i < first.size(); i++) {
        assertThat(Values.sameBits(first.get(i), second.get(i))).as("result " + i + " in " + type).isTrue();
      }
    }
  }

  private List<HostTensor> everythingThatSums(HostTensor x, HostTensor index) {
    Tensor in = Tensor.input("x", x.dtype(), x.shape().dims());
    Tensor ids = Tensor.input("index", DType.I64, index.shape().dims());
    Map<String, Tensor> outputs = new LinkedHashMap<>();
    outputs.put("all", in.sum());
    outputs.put("rows", in.sum(0));
    outputs.put("product", in.matmul(in, false, true));
    outputs.put("softmax", Softmax.of(in));
    outputs.put("scattered", Tensor.of(new Primitive.ScatterAdd(0, 4), in, ids));
    try (Session session = open(); Program program = compile(session, outputs)) {
      Map<String, HostTensor> once = program.run(Map.of("x", x, "index", index));
      Map<String, HostTensor> again = program.run(Map.of("x", x, "index", index));
      List<HostTensor> results = new ArrayList<>();
      for (String name : outputs.keySet()) {
        assertThat(Values.sameBits(result(once, name), result(again, name))).as(name).isTrue();
        results.add(result(once, name));
      }
      return results;
    }
  }
}
