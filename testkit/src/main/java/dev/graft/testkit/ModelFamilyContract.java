package dev.graft.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.graft.core.GenerationOptions;
import dev.graft.core.TokenBatch;
import dev.graft.core.generate.Generator;
import dev.graft.core.graphs.GraphOptions;
import dev.graft.core.graphs.ModelGraphs;
import dev.graft.core.graphs.RowGroup;
import dev.graft.core.weights.BaseModel;
import dev.graft.error.GraftException;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.spi.CausalModel;
import dev.graft.spi.Configuration;
import dev.graft.spi.ModelFamily;
import dev.graft.spi.Site;
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
 * Tests what every decoder must do, whatever its arithmetic, with random weights on the reference backend. A
 * family's test extends it and names some small configurations as {@code config.json} has them.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public abstract class ModelFamilyContract {
  private static final int LENGTH = 7;
  private static final int NEW_TOKENS = 5;

  /** Returns the family under test. */
  protected abstract ModelFamily family();

  /** Returns the fields of {@code config.json} of some models of a few thousand weights. */
  protected abstract List<Map<String, Object>> configurations();

  @BeforeAll
  static void reportTheSeed(TestReporter reporter) {
    reporter.publishEntry(Seed.PROPERTY, String.valueOf(Seed.VALUE));
  }

  private interface BenchTest {
    void run(Bench bench, Random random) throws Exception;
  }

  private Stream<DynamicTest> each(BenchTest body) {
    assertThat(configurations()).as("configurations").isNotEmpty();
    return configurations().stream()
        .map(fields -> dynamicTest(fields.get("model_type") + " " + configurations().indexOf(fields), () -> {
          Random random = Seed.stream("family");
          try (Bench bench = new Bench(Bench.randomWeights(read(fields), random), DType.F64)) {
            body.run(bench, random);
          }
        }));
  }

  private CausalModel read(Map<String, Object> fields) {
    Configuration configuration = new Configuration("config.json", fields);
    CausalModel model = family().read(configuration);
    configuration.finish();
    return model;
  }

  @Test
  void identifiesItself() {
    PluginRules.check(family());
    assertThat(family().modelTypes()).as("model types").isNotEmpty();
    for (Map<String, Object> fields : configurations()) {
      assertThat(family().modelTypes()).contains(String.valueOf(fields.get("model_type")));
    }
  }

  @TestFactory
  Stream<DynamicTest> namesEachSiteOnceInTheOrderOfItsLayers() {
    return each((bench, _) -> {
      List<Site> sites = bench.base().outline().sites();
      assertThat(sites.stream().map(site -> site.getClass().getSimpleName() + site.name()))
          .doesNotHaveDuplicates();
      assertThat(sites.stream().filter(Site.Input.class::isInstance)).as("inputs").hasSize(1);
      List<Site.Attention> attentions = bench.base().outline().attentions();
      assertThat(attentions).isNotEmpty();
      for (int i = 0; i < attentions.size(); i++) {
        assertThat(attentions.get(i).layer()).as(attentions.get(i).name()).isEqualTo(i);
      }
    });
  }

  @TestFactory
  Stream<DynamicTest> everyParameterMatters() {
    return each((bench, random) -> {
      TokenBatch batch = everyToken(bench);
      HostTensor before = bench.logits(RowGroup.base(1), batch);
      for (String name : bench.base().outline().parameters().keySet()) {
        HostTensor value = bench.session().download(name);
        HostTensor changed = Values.copy(value);
        for (long i = 0; i < changed.shape().size(); i++) {
          changed.set(i, value.at(i) + random.nextDouble(0.1, 0.5));
        }
        bench.session().upload(name, changed);
        // A key's bias moves all similarities of a query alike, so the softmax may hide it but for rounding.
        assertThat(Nearness.distance(bench.logits(RowGroup.base(1), batch), before))
            .as("change of the logits by " + name).isPositive();
        bench.session().upload(name, value);
      }
    });
  }

  private static TokenBatch everyToken(Bench bench) {
    int length = Math.toIntExact(Math.min(bench.base().model().vocabulary(),
        bench.base().model().maxPositions()));
    long[] ids = new long[length];
    long[] mask = new long[length];
    for (int i = 0; i < length; i++) {
      ids[i] = i;
      mask[i] = 1;
    }
    return new TokenBatch(1, length, ids, mask, ids.clone());
  }

  @TestFactory
  Stream<DynamicTest> laterTokensDoNotChangeEarlierLogits() {
    return each((bench, random) -> {
      TokenBatch batch = bench.batch(2, LENGTH, random);
      long[] other = batch.ids().clone();
      other[LENGTH - 1] = (other[LENGTH - 1] + 1) % bench.base().model().vocabulary();
      HostTensor before = bench.logits(RowGroup.base(2), batch);
      HostTensor after = bench.logits(RowGroup.base(2),
          new TokenBatch(2, LENGTH, other, batch.mask(), other));
      long vocabulary = before.shape().dim(2);
      for (long i = 0; i < before.shape().size(); i++) {
        if (i < (LENGTH - 1) * vocabulary || i >= LENGTH * vocabulary) {
          assertThat(after.at(i)).as("logit " + i).isEqualTo(before.at(i));
        }
      }
      assertThat(Nearness.distance(before, after)).as("change of the last logits").isPositive();
    });
  }

  @TestFactory
  Stream<DynamicTest> rowsAndPaddingAtTheEndDoNotChangeOtherRows() {
    return each((bench, random) -> {
      TokenBatch batch = bench.batch(2, LENGTH, random);
      long[] mask = batch.mask().clone();
      mask[2 * LENGTH - 1] = 0;
      mask[2 * LENGTH - 2] = 0;
      HostTensor both = bench.logits(RowGroup.base(2),
          new TokenBatch(2, LENGTH, batch.ids(), mask, batch.ids()));
      long vocabulary = both.shape().dim(2);
      for (int row = 0; row < 2; row++) {
        int length = row == 0 ? LENGTH : LENGTH - 2;
        long[] ids = new long[length];
        long[] ones = new long[length];
        for (int i = 0; i < length; i++) {
          ids[i] = batch.ids()[row * LENGTH + i];
          ones[i] = 1;
        }
        HostTensor alone = bench.logits(RowGroup.base(1), new TokenBatch(1, length, ids, ones, ids));
        for (long i = 0; i < alone.shape().size(); i++) {
          assertThat(both.at(row * LENGTH * vocabulary + i)).as("logit %s of row %s", i, row)
              .isCloseTo(alone.at(i), org.assertj.core.data.Offset.offset(1e-9));
        }
      }
    });
  }

  @TestFactory
  Stream<DynamicTest> generationWithACacheEqualsGenerationWithout() {
    return each((bench, random) -> {
      long vocabulary = bench.base().model().vocabulary();
      long[] longer = random.longs(5, 0, vocabulary).toArray();
      long[] shorter = random.longs(3, 0, vocabulary).toArray();
      long[][] ids = {longer, {0, 0, shorter[0], shorter[1], shorter[2]}};
      long[][] mask = {{1, 1, 1, 1, 1}, {0, 0, 1, 1, 1}};
      try (Generator generator = new Generator(bench.session(), bench.base(), DType.F64)) {
        long[][] found = generator.generate(List.of(RowGroup.base(2)), ids, mask,
            GenerationOptions.greedy(NEW_TOKENS, Set.of(), 0), (_, _) -> {
            });
        assertThat(found[0]).containsExactly(bench.greedy(RowGroup.base(1), longer, NEW_TOKENS));
        assertThat(found[1]).containsExactly(bench.greedy(RowGroup.base(1), shorter, NEW_TOKENS));
      }
    });
  }

  @TestFactory
  Stream<DynamicTest> buildsInEveryComputeType() {
    return each((bench, _) -> {
      BaseModel base = bench.base();
      for (DType type : List.of(DType.F32, DType.F64, DType.BF16, DType.F16)) {
        assertThatCode(() -> new ModelGraphs(base, GraphOptions.evaluation(type))
            .logits(List.of(RowGroup.base(2)), LENGTH, true)).as(type.toString()).doesNotThrowAnyException();
      }
    });
  }

  @TestFactory
  Stream<DynamicTest> faultyFieldsAreReportedNotThrown() {
    return configurations().stream()
        .map(fields -> dynamicTest(String.valueOf(fields.get("model_type")), () -> {
          for (String key : fields.keySet()) {
            for (Object junk : List.of(-1L, 0L, 3L, 1e300, 0.5, true, "", "nonsense", List.of(), Map.of())) {
              Map<String, Object> changed = new LinkedHashMap<>(fields);
              changed.put(key, junk);
              assertThatCode(() -> BaseModel.outline(read(changed))).as("\"%s\": %s", key, junk)
                  .satisfiesAnyOf(fault -> assertThat(fault).isNull(),
                      fault -> assertThat(fault).isInstanceOf(GraftException.class));
            }
            Map<String, Object> less = new LinkedHashMap<>(fields);
            less.remove(key);
            assertThatCode(() -> BaseModel.outline(read(less))).as("without \"%s\"", key).satisfiesAnyOf(
                fault -> assertThat(fault).isNull(),
                fault -> assertThat(fault).isInstanceOf(GraftException.class).hasMessageContaining(key));
          }
        }));
  }
}
