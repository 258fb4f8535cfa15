package dev.graft.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatNoException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.graft.core.GenerationOptions;
import dev.graft.core.StepReport;
import dev.graft.core.TokenBatch;
import dev.graft.core.attach.AdapterTensor;
import dev.graft.core.attach.Attachment;
import dev.graft.core.generate.Generator;
import dev.graft.core.graphs.RowGroup;
import dev.graft.core.train.Trainer;
import dev.graft.error.GraftException;
import dev.graft.formats.AdapterFolder;
import dev.graft.formats.SafetensorsFile;
import dev.graft.formats.SafetensorsWriter;
import dev.graft.formats.TensorSource;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.spi.Configuration;
import dev.graft.spi.ParamSpec;
import dev.graft.spi.PeftMethod;
import dev.graft.spi.Setting;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.apiguardian.api.API;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.BeforeAll;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.io.TempDir;

/**
 * Tests a method on a tiny decoder, on the reference backend. A method's test extends it:
 *
 * <pre>{@code
 * class MyMethodTests extends MethodContract {
 *   protected PeftMethod<?> method() {
 *     return new MyMethod();
 *   }
 *
 *   protected List<MethodSample> samples() {
 *     return List.of(MethodSample.of(Map.of("target_modules", List.of("q_proj", "down_proj"))));
 *   }
 * }
 * }</pre>
 *
 * <p>
 * The decoder has two layers, {@code model.layers.0} and {@code .1}, with {@code self_attn.q_proj} (which has
 * a bias), {@code k_proj}, {@code v_proj}, {@code o_proj}, {@code mlp.up_proj} and {@code mlp.down_proj} (a
 * Conv1D with a bias), the table {@code model.embed_tokens}, and {@code lm_head}, which is tied to it but for
 * merging. It has 4 query and 2 key/value heads of 4 features, and a width of 12.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public abstract class MethodContract {
  private static final int TRAINING_STEPS = 12;
  private static final int NEW_TOKENS = 6;
  private static final TinyModel TIED = new TinyModel(true);
  /** A tied weight cannot become what the embedding and what the head would be merged to. */
  private static final TinyModel UNTIED = new TinyModel(false);

  @TempDir
  Path folder = Path.of("");

  /** Returns the method under test. */
  protected abstract PeftMethod<?> method();

  /** Returns configurations that together use all that the method can do. */
  protected abstract List<MethodSample> samples();

  @BeforeAll
  static void reportTheSeed(TestReporter reporter) {
    reporter.publishEntry(Seed.PROPERTY, String.valueOf(Seed.VALUE));
  }

  /** Runs a body for each sample. */
  private Stream<DynamicTest> each(SampleTest body) {
    List<MethodSample> samples = samples();
    assertThat(samples).as("samples").isNotEmpty();
    return samples.stream()
        .map(sample -> dynamicTest(sample.configuration().toString(), () -> body.run(sample)));
  }

  private Stream<DynamicTest> eachOnBench(DType type, BenchTest body) {
    return eachOnBench(TIED, type, body);
  }

  private Stream<DynamicTest> eachOnBench(TinyModel model, DType type, BenchTest body) {
    return each(sample -> {
      String test = sample.configuration().toString();
      try (MethodBench bench = new MethodBench(method(), sample, model, type, test)) {
        body.run(sample, bench);
      }
    });
  }

  private interface SampleTest {
    void run(MethodSample sample) throws Exception;
  }

  private interface BenchTest {
    void run(MethodSample sample, MethodBench bench) throws Exception;
  }

  @Test
  void identifiesItself() {
    PluginRules.check(method());
    assertThat(method().peftType()).as("peft_type").matches("[A-Z0-9_]+");
  }

  @TestFactory
  Stream<DynamicTest> claimsItsOwnConfigurations() {
    return each(sample -> {
      Configuration configuration = MethodBench.configuration(method(), sample);
      assertThat(method().claims(configuration)).isTrue();
    });
  }

  @TestFactory
  Stream<DynamicTest> whatIsWrittenReadsAsTheSameConfiguration() {
    return each(sample -> roundTrip(method(), MethodBench.configuration(method(), sample)));
  }

  private <C> void roundTrip(PeftMethod<C> method, Configuration sample) {
    C configuration = method.read(sample);
    sample.finish();
    Map<String, @Nullable Object> written = method.write(configuration);
    Configuration again = new Configuration("what was written", written);
    assertThat(method.read(again)).isEqualTo(configuration);
    assertThatNoException().isThrownBy(again::finish);
    assertThat(method.write(configuration)).isEqualTo(written);
  }

  @TestFactory
  Stream<DynamicTest> savedConfigurationsKeepEveryField() {
    return eachOnBench(DType.F32, (sample, bench) -> {
      Map<String, Object> fields = MethodBench.fields(method(), sample);
      fields.put("a_field_of_the_future", Map.of("depth", List.of(1L, 2L)));
      Attachment attachment = new Attachment(method(), new Configuration("the sample", fields),
          bench.bench().base().outline(), true);
      Map<String, @Nullable Object> saved = attachment.config(MethodBench.BASE_PATH);
      Set<String> missing = new TreeSet<>(fields.keySet());
      missing.removeAll(saved.keySet());
      assertThat(missing).as("fields that are lost").isEmpty();
      assertThat(saved).containsEntry("a_field_of_the_future", Map.of("depth", List.of(1L, 2L)))
          .containsEntry("peft_type", method().peftType()).containsAllEntriesOf(method().discriminators());
    });
  }

  @TestFactory
  Stream<DynamicTest> theDefaultsAndTargetsMakeAnAdapter() {
    return each(sample -> {
      Map<String, Object> starts = new LinkedHashMap<>();
      method().settings()
          .forEach(setting -> setting.start().ifPresent(value -> starts.put(setting.name(), value)));
      Map<String, Object> fields = MethodBench.fields(method(), MethodSample.of(starts));
      Object targets = sample.configuration().get("target_modules");
      if (targets != null) {
        fields.put("target_modules", targets);
      }
      try (Bench bench = new Bench(Bench.randomWeights(TIED, Seed.stream("defaults")), DType.F32)) {
        assertThatCode(() -> attach(fields, bench)).as("%s", fields).doesNotThrowAnyException();
      }
    });
  }

  @TestFactory
  Stream<DynamicTest> faultyFieldsAreReportedNotThrown() {
    return each(sample -> {
      Map<String, Object> good = MethodBench.fields(method(), sample);
      Set<String> keys = new TreeSet<>(good.keySet());
      keys.addAll(write(method(), MethodBench.configuration(method(), sample)).keySet());
      keys.remove("peft_type");
      List<Object> junk = List.of(-1L, 0L, 1e300, 0.5, true, "", "nonsense [", List.of(), List.of(List.of()),
          List.of(1.5), Map.of(), Map.of("x", List.of()));
      try (Bench bench = new Bench(Bench.randomWeights(TIED, Seed.stream("junk")), DType.F32)) {
        for (String key : keys) {
          for (Object value : junk) {
            Map<String, Object> fields = new LinkedHashMap<>(good);
            fields.put(key, value);
            assertThatCode(() -> attach(fields, bench)).as("\"%s\": %s", key, value)
                .satisfiesAnyOf(fault -> assertThat(fault).isNull(),
                    fault -> assertThat(fault).isInstanceOf(GraftException.class));
          }
        }
      }
    });
  }

  @TestFactory
  Stream<DynamicTest> everySettingIsReadAndWritten() {
    return each(sample -> {
      Configuration configuration = MethodBench.configuration(method(), sample);
      Set<String> written = write(method(), configuration).keySet();
      List<String> names = method().settings().stream().map(Setting::name).toList();
      assertThat(names).doesNotHaveDuplicates().isSubsetOf(written);
      Map<String, Object> all = MethodBench.fields(method(), sample);
      names.forEach(name -> all.putIfAbsent(name, "?"));
      Configuration asked = new Configuration("every setting", all);
      method().read(asked);
      assertThat(asked.unread()).as("settings that nobody reads").doesNotContainAnyElementsOf(names);
      List<String> shortNames = method().settings().stream().flatMap(s -> s.shortName().stream()).toList();
      assertThat(shortNames).as("short names").doesNotHaveDuplicates();
    });
  }

  private static <C> Map<String, @Nullable Object> write(PeftMethod<C> method, Configuration sample) {
    return method.write(method.read(sample));
  }

  private void attach(Map<String, Object> fields, Bench bench) {
    Configuration configuration = new Configuration("junk", fields);
    if (method().claims(configuration)) {
      new Attachment(method(), configuration, bench.base().outline(), true);
    }
  }

  @TestFactory
  Stream<DynamicTest> aTargetThatDoesNotExistIsNamed() {
    return each(sample -> {
      assumeTrue(sample.configuration().get("target_modules") instanceof List<?>,
          "The sample lists no modules by name");
      Map<String, Object> fields = MethodBench.fields(method(), sample);
      fields.put("target_modules", List.of("q_prj"));
      try (Bench bench = new Bench(Bench.randomWeights(TIED, Seed.stream("target")),
          DType.F32)) {
        assertThatThrownBy(() -> attach(fields, bench)).isInstanceOf(GraftException.class)
            .hasMessageContaining("q_prj");
      }
    });
  }

  @TestFactory
  Stream<DynamicTest> startsAsTheIdentityWhereItSaysSo() {
    return eachOnBench(DType.F64, (sample, bench) -> {
      TokenBatch batch = bench.batch();
      HostTensor plain = bench.bench().logits(RowGroup.base(2), batch);
      HostTensor adapted = bench.bench().logits(bench.rows(2), batch);
      double change = Nearness.distance(plain, adapted);
      if (sample.identityAtStart()) {
        assertThat(change).as("change by a fresh adapter").isLessThan(1e-9);
      } else {
        assertThat(change).as("change by a fresh adapter").isGreaterThan(1e-6);
      }
    });
  }

  @TestFactory
  Stream<DynamicTest> theStartDependsOnTheSeedAlone() {
    return eachOnBench(DType.F32, (sample, bench) -> {
      Map<String, HostTensor> first = bench.values();
      bench.disturbed().formulas().initialise(5);
      assertSameBits(bench.values(), first);
    });
  }

  @TestFactory
  Stream<DynamicTest> gradientsEqualFiniteDifferences() {
    return eachOnBench(DType.F64, (_, bench) -> {
      Bench.Loss loss = bench.disturbed().bench().loss(bench.rows(2), bench.batch(), false);
      Map<String, HostTensor> gradients = new LinkedHashMap<>();
      bench.bench().gradients(loss).forEach((key, gradient) -> gradients.put(key, present(key, gradient)));
      new FiniteDifferences(bench.bench(), loss).check(gradients, bench.random());
    });
  }

  private static HostTensor present(String key, Optional<HostTensor> gradient) {
    return gradient.orElseThrow(
        () -> new AssertionError("the loss does not depend on " + key + ", which is declared trainable"));
  }

  /** A gradient may be zero, as that of a token that the batch does not hold; but not all may be. */
  @TestFactory
  Stream<DynamicTest> everyTrainableTensorGetsAGradientAndNoOther() {
    return eachOnBench(DType.F64, (_, bench) -> {
      Bench.Loss loss = bench.disturbed().bench().loss(bench.rows(2), bench.batch(), false);
      Map<String, Optional<HostTensor>> gradients = bench.bench().gradients(loss);
      assertThat(gradients.keySet()).isEqualTo(
          new TreeSet<>(bench.attachment().trainable().stream().map(tensor -> tensor.key()).toList()));
      gradients.forEach(MethodContract::present);
      assertThat(gradients).as("gradients that are not 0").anySatisfy((key, gradient) -> assertThat(
          Nearness.largest(present(key, gradient))).isPositive());
    });
  }

  @TestFactory
  Stream<DynamicTest> checkpointingGivesTheSameGradients() {
    return eachOnBench(DType.F64, (_, bench) -> {
      TokenBatch batch = bench.disturbed().batch();
      Map<String, Optional<HostTensor>> kept = bench.bench()
          .gradients(bench.bench().loss(bench.rows(2), batch, false));
      bench.bench().gradients(bench.bench().loss(bench.rows(2), batch, true)).forEach((key, gradient) -> {
        HostTensor expected = present(key, Objects.requireNonNull(kept.get(key)));
        assertThat(Nearness.distance(present(key, gradient), expected)).as("difference at " + key)
            .isLessThan(1e-12 * (1 + Nearness.largest(expected)));
      });
    });
  }

  @TestFactory
  Stream<DynamicTest> trainingLowersTheLossAndChangesNothingFrozen() {
    return eachOnBench(DType.F32, (_, bench) -> {
      TokenBatch batch = bench.batch();
      Map<String, HostTensor> before = bench.bench().variables();
      Trainer trainer = new Trainer(bench.bench().session(), bench.bench().base(), bench.attachment(),
          Bench.ADAPTER, bench.bench().type(), bench.training(TRAINING_STEPS));
      List<Double> losses = new ArrayList<>();
      Set<String> learning = new TreeSet<>(bench.attachment().trainable().stream()
          .map(tensor -> MethodBench.variable(tensor.key())).toList());
      Set<String> states = new TreeSet<>();
      try (trainer) {
        for (int i = 0; i < TRAINING_STEPS; i++) {
          StepReport report = trainer.step(_ -> List.of(batch));
          losses.add(report.loss());
        }
        trainer.idle().forEach(key -> learning.remove(MethodBench.variable(key)));
        states.addAll(trainer.parameters().keySet());
      }
      assertThat(losses.getLast()).as("losses " + losses).isLessThan(losses.getFirst());

      Map<String, HostTensor> after = bench.bench().variables();
      assertThat(after.keySet()).as("variables once the trainer is closed").isEqualTo(before.keySet());
      assertThat(learning).as("tensors that have had a gradient").isNotEmpty();
      states
          .removeAll(bench.attachment().trainable().stream().map(tensor -> MethodBench.variable(tensor.key()))
              .toList());
      before.forEach((name, value) -> {
        if (states.contains(name)) {
          // The method itself changes it after each step.
          return;
        }
        boolean same = Values.sameBits(value, Objects.requireNonNull(after.get(name)));
        assertThat(same).as(name + (learning.contains(name) ? " must learn" : " is frozen"))
            .isEqualTo(!learning.contains(name));
      });
    });
  }

  @TestFactory
  Stream<DynamicTest> closingTwiceDoesNothing() {
    return eachOnBench(DType.F32, (_, bench) -> {
      Trainer trainer = new Trainer(bench.bench().session(), bench.bench().base(), bench.attachment(),
          Bench.ADAPTER, bench.bench().type(), bench.training(1));
      trainer.close();
      trainer.close();
      bench.save(folder.resolve("adapter"));
      AdapterFolder files = AdapterFolder.open(folder.resolve("adapter"));
      files.close();
      files.close();
      bench.close();
    });
  }

  @TestFactory
  Stream<DynamicTest> mergesIntoTheBaseOrSaysThatItCannot() {
    return eachOnBench(UNTIED, DType.F64, (sample, bench) -> {
      bench.disturbed();
      if (!sample.mergeable()) {
        assertThatThrownBy(() -> bench.formulas().merge()).isInstanceOf(GraftException.class)
            .hasMessageContaining(method().id()).hasMessageContaining("cannot be merged");
        return;
      }
      TokenBatch batch = bench.batch();
      HostTensor adapted = bench.bench().logits(bench.rows(2), batch);
      Map<String, HostTensor> merged = bench.formulas().merge();
      assertThat(merged).as("what the merge changes").isNotEmpty();
      merged.forEach(bench.bench().session()::upload);
      HostTensor plain = bench.bench().logits(RowGroup.base(2), batch);
      assertThat(Nearness.distance(plain, adapted)).as("difference of the merged model").isLessThan(1e-9);
    });
  }

  @TestFactory
  Stream<DynamicTest> aMergeLeavesNoTraceOnceTheBaseIsBack() {
    return eachOnBench(UNTIED, DType.F64, (sample, bench) -> {
      bench.disturbed();
      assumeTrue(sample.mergeable(), "The sample says that it cannot be merged");
      TokenBatch batch = bench.batch();
      HostTensor plain = bench.bench().logits(RowGroup.base(2), batch);
      HostTensor adapted = bench.bench().logits(bench.rows(2), batch);
      assertThat(Nearness.distance(plain, adapted)).as("change by the adapter").isGreaterThan(1e-6);
      Map<String, HostTensor> merged = copies(bench.formulas().merge());
      merged.forEach(bench.bench().session()::upload);

      bench.bench().base().upload(bench.bench().session(), bench.bench().type(), merged.keySet());

      assertThat(Values.sameBits(bench.bench().logits(RowGroup.base(2), batch), plain))
          .as("the base's logits after a merge").isTrue();
      assertThat(Values.sameBits(bench.bench().logits(bench.rows(2), batch), adapted))
          .as("the adapter's logits after a merge").isTrue();
      assertSameBits(bench.formulas().merge(), merged);
    });
  }

  private static Map<String, HostTensor> copies(Map<String, HostTensor> values) {
    Map<String, HostTensor> copies = new LinkedHashMap<>();
    values.forEach((name, value) -> copies.put(name, Values.copy(value)));
    return copies;
  }

  @TestFactory
  Stream<DynamicTest> savedAdaptersLoadBitForBit() {
    return eachOnBench(DType.F32, (_, bench) -> {
      Map<String, HostTensor> stored = bench.disturbed().formulas().stored();
      TokenBatch batch = bench.batch();
      HostTensor logits = bench.bench().logits(bench.rows(2), batch);
      Path place = Files.createTempDirectory(folder, "saved");
      bench.save(place);
      MethodBench.Loaded loaded = bench.load(place);
      assertSameBits(loaded.values(), stored);
      loaded.values()
          .forEach((key, value) -> bench.bench().session().upload(MethodBench.variable(key), value));
      HostTensor again = bench.bench().logits(bench.bench().group(loaded.attachment(), 2), batch);
      assertThat(Nearness.distance(again, logits)).as("difference of the loaded adapter").isLessThan(1e-5);
    });
  }

  private static void assertSameBits(Map<String, HostTensor> found, Map<String, HostTensor> expected) {
    assertThat(found.keySet()).isEqualTo(expected.keySet());
    found
        .forEach((key, value) -> assertThat(Values.sameBits(value, Objects.requireNonNull(expected.get(key))))
            .as("bits of " + key).isTrue());
  }

  @TestFactory
  Stream<DynamicTest> damagedAdaptersAreRefusedByName() {
    return eachOnBench(DType.F32, (_, bench) -> {
      Path place = Files.createTempDirectory(folder, "damaged");
      bench.disturbed().save(place);
      Map<String, HostTensor> good = tensors(place);
      for (AdapterTensor tensor : bench.load(place).attachment().tensors().values()) {
        String key = tensor.key();
        if (!tensor.stored()) {
          assertThat(good).as("a tensor that is not stored").doesNotContainKey(key);
          continue;
        }
        HostTensor value = Objects.requireNonNull(good.get(key));
        Map<String, HostTensor> rest = without(good, key);
        for (String alias : tensor.spec().map(ParamSpec::aliases).orElse(List.of())) {
          rest = without(rest, alias);
        }
        refused(bench, place, rest, key);
        refused(bench, place, with(good, key, HostTensor.zeros(value.dtype(),
            Shape.of(value.shape().size() + 1))), key);
        for (double wrong : new double[]{Double.NaN, Double.POSITIVE_INFINITY}) {
          HostTensor spoilt = Values.copy(value);
          spoilt.set(value.shape().size() - 1, wrong);
          refused(bench, place, with(good, key, spoilt), key);
        }
      }
      String stranger = "base_model.model.model.layers.9.self_attn.q_proj.stranger";
      refused(bench, place, with(good, stranger, HostTensor.zeros(DType.F32, Shape.of(2))), stranger);
    });
  }

  private static Map<String, HostTensor> tensors(Path place) {
    Map<String, HostTensor> tensors = new LinkedHashMap<>();
    try (SafetensorsFile file = SafetensorsFile.open(place.resolve("adapter_model.safetensors"))) {
      file.names().forEach(name -> tensors.put(name, Values.copy(file.tensor(name))));
    }
    return tensors;
  }

  private static Map<String, HostTensor> without(Map<String, HostTensor> tensors, String key) {
    Map<String, HostTensor> rest = new LinkedHashMap<>(tensors);
    rest.remove(key);
    return rest;
  }

  private static Map<String, HostTensor> with(Map<String, HostTensor> tensors, String key, HostTensor value) {
    Map<String, HostTensor> all = new LinkedHashMap<>(tensors);
    all.put(key, value);
    return all;
  }

  private static void refused(MethodBench bench, Path place, Map<String, HostTensor> tensors, String named) {
    Path file = place.resolve("adapter_model.safetensors");
    try {
      Files.delete(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    SafetensorsWriter.pytorch().write(file, TensorSource.of(tensors));
    assertThatThrownBy(() -> bench.load(place)).isInstanceOf(GraftException.class)
        .hasMessageContaining(named);
  }

  @TestFactory
  Stream<DynamicTest> generationWithACacheEqualsGenerationWithout() {
    return eachOnBench(DType.F64, (_, bench) -> {
      bench.disturbed();
      long vocabulary = bench.bench().base().model().vocabulary();
      long[] longer = bench.random().longs(5, 0, vocabulary).toArray();
      long[] shorter = bench.random().longs(3, 0, vocabulary).toArray();
      long[][] ids = {longer, {0, 0, shorter[0], shorter[1], shorter[2]}};
      long[][] mask = {{1, 1, 1, 1, 1}, {0, 0, 1, 1, 1}};
      Set<String> before = bench.bench().session().variables();
      long[][] found;
      try (Generator generator = new Generator(bench.bench().session(), bench.bench().base(), DType.F64)) {
        found = generator.generate(List.of(bench.rows(2)), ids, mask,
            GenerationOptions.greedy(NEW_TOKENS, Set.of(), 0), (_, _) -> {
            });
      }
      assertThat(found[0]).containsExactly(bench.bench().greedy(bench.rows(1), longer, NEW_TOKENS));
      assertThat(found[1]).containsExactly(bench.bench().greedy(bench.rows(1), shorter, NEW_TOKENS));
      assertThat(bench.bench().session().variables()).as("variables once the generator is closed")
          .isEqualTo(before);
    });
  }

  @TestFactory
  Stream<DynamicTest> rowsOfOneBatchKeepApartOrAreRefused() {
    return eachOnBench(DType.F64, (_, bench) -> {
      TokenBatch batch = bench.disturbed().batch();
      List<RowGroup> mixed = List.of(new RowGroup("", Optional.empty(), 0, 1),
          new RowGroup(Bench.ADAPTER, Optional.of(bench.attachment()), 1, 2));
      boolean whole = bench.attachment().tensors().values().stream().anyMatch(tensor -> tensor.baseParameter()
          .filter(parameter -> parameter.contains("norm")).isPresent());
      if (bench.attachment().virtualTokens() > 0 || whole) {
        assertThatThrownBy(() -> bench.bench().logits(mixed, batch)).isInstanceOf(GraftException.class)
            .hasMessageContaining("cannot share a batch");
        return;
      }
      HostTensor plain = bench.bench().logits(RowGroup.base(2), batch);
      HostTensor adapted = bench.bench().logits(bench.rows(2), batch);
      HostTensor found = bench.bench().logits(mixed, batch);
      long half = found.shape().size() / 2;
      for (long i = 0; i < 2 * half; i++) {
        HostTensor expected = i < half ? plain : adapted;
        assertThat(found.at(i)).as("logit " + i).isCloseTo(expected.at(i), Offset.offset(1e-9));
      }
    });
  }
}
