package dev.graft.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.core.StepReport;
import dev.graft.core.TokenBatch;
import dev.graft.core.train.Trainer;
import dev.graft.error.GraftException;
import dev.graft.formats.SafetensorsFile;
import dev.graft.formats.SafetensorsWriter;
import dev.graft.formats.TensorSource;
import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import dev.graft.spi.AdapterParams;
import dev.graft.spi.BaseLayers;
import dev.graft.spi.Init;
import dev.graft.spi.LinearBase;
import dev.graft.spi.ModelOutline;
import dev.graft.spi.ParamSpec;
import dev.graft.spi.ParamUpdate;
import dev.graft.spi.Params;
import dev.graft.spi.PeftMethod;
import dev.graft.spi.Site;
import dev.graft.spi.StepParams;
import dev.graft.spi.Targets;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Uses what methods may ask for beyond a formula a site, each by a small method that needs it. */
class MethodFeatureTests {
  private static final String LAYER = "base_model.model.model.layers.0.self_attn.";
  private static final MethodSample SAMPLE = MethodSample
      .of(Map.of("target_modules", List.of("k_proj", "q_proj"), "number", 0.5));

  @TempDir
  Path folder = Path.of("");

  private static MethodBench bench(PeftMethod<?> method, DType type) {
    return new MethodBench(method, SAMPLE, new TinyModel(true), type, "features");
  }

  private static HostTensor value(MethodBench bench, String key) {
    return Objects.requireNonNull(bench.values().get(key), key);
  }

  private Map<String, HostTensor> file() {
    Map<String, HostTensor> tensors = new LinkedHashMap<>();
    try (SafetensorsFile file = SafetensorsFile.open(folder.resolve("adapter_model.safetensors"))) {
      file.names().forEach(name -> tensors.put(name, Values.copy(file.tensor(name))));
    }
    return tensors;
  }

  private void write(Map<String, HostTensor> tensors) throws IOException {
    Path file = folder.resolve("adapter_model.safetensors");
    Files.delete(file);
    SafetensorsWriter.pytorch().write(file, TensorSource.of(tensors));
  }

  /** Like VeRA without stored projections: one frozen random row, as wide as the widest selected layer. */
  static final class Projection extends TinyMethod {
    @Override
    public List<ParamSpec> shared(Config config, ModelOutline outline, List<Site> selected) {
      long widest = selected.stream().map(Site.Linear.class::cast).mapToLong(Site.Linear::out).max()
          .orElse(0);
      return List.of(new ParamSpec("row", Shape.of(widest), new Init.Seeded(new Init.Uniform(1), 11),
          "base_model.row").notStored());
    }

    @Override
    List<ParamSpec> parameters(Config config, Site.Linear site) {
      return List.of(new ParamSpec("d", Shape.of(1), Init.ZEROS, "d"));
    }

    @Override
    Tensor change(Config config, Site.Linear site, Params p) {
      return p.get("row").slice(0, 0, site.out()).times(p.get("d"));
    }
  }

  static class ProjectionContract extends MethodContract {
    @Override
    protected PeftMethod<?> method() {
      return new Projection();
    }

    @Override
    protected List<MethodSample> samples() {
      return List.of(SAMPLE);
    }
  }

  @Test
  void aSharedParameterIsAsWideAsTheSelectedSitesAndDrawnAgainInsteadOfStored() throws IOException {
    assertThat(ContractRun.failures(ProjectionContract.class)).isEmpty();
    try (MethodBench bench = bench(new Projection(), DType.F32)) {
      HostTensor row = value(bench, "base_model.row");
      // q_proj has 16 features; up_proj's 20 and the vocabulary's 17 are not selected.
      assertThat(row.shape()).isEqualTo(Shape.of(16));
      assertThat(Nearness.largest(row)).isBetween(0.5, 1.0);
      bench.formulas().initialise(77);
      assertThat(Values.sameBits(value(bench, "base_model.row"), row)).as("whatever the run's seed").isTrue();
      bench.save(folder);
      assertThat(file()).containsOnlyKeys(LAYER + "q_proj.d", LAYER + "k_proj.d",
          LAYER.replace('0', '1') + "q_proj.d", LAYER.replace('0', '1') + "k_proj.d");
      assertThat(Values.sameBits(Objects.requireNonNull(bench.load(folder).values().get("base_model.row")),
          row)).isTrue();
      // A file that holds it all the same is believed, as by PEFT.
      Map<String, HostTensor> all = file();
      all.put("base_model.row", HostTensor.zeros(DType.F32, Shape.of(16)));
      write(all);
      assertThat(Nearness.largest(
          Objects.requireNonNull(bench.load(folder).values().get("base_model.row")))).isZero();
    }
  }

  @Test
  void aParameterThatLearnsOrStartsElsewhereCannotGoUnstored() {
    ParamSpec drawn = new ParamSpec("x", Shape.of(2), new Init.Normal(1), "x");
    assertThatThrownBy(drawn::notStored).isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("x is not stored");
    assertThat(new ParamSpec("x", Shape.of(2), Init.ZEROS, "x").notStored().trainable()).isFalse();
  }

  /** Starts from base weights, with draws, and stores one tensor under two keys. */
  static final class Derived extends TinyMethod {
    @Override
    public List<ParamSpec> shared(Config config, ModelOutline outline, List<Site> selected) {
      return List.of(new ParamSpec("mean", Shape.of(12), new Init.Derived(), "base_model.mean")
          .alias("base_model.again.mean"));
    }

    @Override
    public Tensor initial(Config config, String parameter, BaseLayers base, Params p) {
      Tensor query = base.linear("model.layers.1.self_attn.q_proj").weight();
      return query.sum(0).reshape(12).plus(base.embedding("model.embed_tokens").weight().sum(0).reshape(12))
          .plus(base.parameter("model.norm.weight"));
    }

    @Override
    List<ParamSpec> parameters(Config config, Site.Linear site) {
      return List.of(new ParamSpec("pair", Shape.of(2), new Init.Derived(), "pair"));
    }

    @Override
    Tensor initialAt(String parameter, LinearBase base, Params p) {
      Tensor one = p.draw("half", new Init.Normal(1), Shape.of(1));
      Tensor same = p.draw("half", new Init.Normal(1), Shape.of(1));
      return Tensor.concat(0, List.of(one, same.times(-1)));
    }

    @Override
    Tensor change(Config config, Site.Linear site, Params p) {
      return p.get("pair").sum().reshape(1).broadcastTo(Shape.of(site.out()))
          .plus(p.get("mean").sum().reshape(1).times(0.001));
    }
  }

  @Test
  void sharedStartsMayDependOnTheBaseAndDerivedOnesOnDraws() {
    try (MethodBench bench = bench(new Derived(), DType.F64)) {
      HostTensor query = bench.bench().base().value("model.layers.1.self_attn.q_proj.weight", DType.F64);
      HostTensor table = bench.bench().base().value("model.embed_tokens.weight", DType.F64);
      HostTensor norm = bench.bench().base().value("model.norm.weight", DType.F64);
      HostTensor mean = value(bench, "base_model.mean");
      for (int i = 0; i < 12; i++) {
        double expected = norm.at(i);
        for (int row = 0; row < 16; row++) {
          expected += query.at(row * 12L + i);
        }
        for (int row = 0; row < 17; row++) {
          expected += table.at(row * 12L + i);
        }
        assertThat(mean.at(i)).isCloseTo(expected, Offset.offset(1e-12));
      }
      HostTensor pair = value(bench, LAYER + "q_proj.pair");
      assertThat(pair.at(0)).isNotZero().isEqualTo(-pair.at(1));
      assertThat(value(bench, LAYER + "k_proj.pair").at(0)).isNotEqualTo(pair.at(0));
      bench.formulas().initialise(6);
      assertThat(value(bench, LAYER + "q_proj.pair").at(0)).as("under another seed")
          .isNotEqualTo(pair.at(0));
    }
  }

  @Test
  void anAliasIsWrittenTooAndEitherKeyIsEnoughToRead() throws IOException {
    try (MethodBench bench = bench(new Derived(), DType.F32)) {
      bench.disturbed().save(folder);
      Map<String, HostTensor> whole = file();
      HostTensor mean = Objects.requireNonNull(whole.get("base_model.mean"));
      assertThat(Values.sameBits(Objects.requireNonNull(whole.get("base_model.again.mean")), mean)).isTrue();
      for (String one : List.of("base_model.mean", "base_model.again.mean")) {
        Map<String, HostTensor> rest = new LinkedHashMap<>(whole);
        rest.remove(one);
        write(rest);
        Map<String, HostTensor> loaded = bench.load(folder).values();
        assertThat(loaded).doesNotContainKey("base_model.again.mean");
        assertThat(Values.sameBits(Objects.requireNonNull(loaded.get("base_model.mean")), mean)).isTrue();
      }
      HostTensor other = Values.copy(mean);
      other.set(3, 9.0);
      Map<String, HostTensor> torn = new LinkedHashMap<>(whole);
      torn.put("base_model.again.mean", other);
      write(torn);
      assertThatThrownBy(() -> bench.load(folder)).isInstanceOf(GraftException.class)
          .hasMessageContaining("base_model.mean and base_model.again.mean must be equal");
    }
  }

  /** Stores one parameter under the key of another. */
  static final class Twice extends TinyMethod {
    @Override
    List<ParamSpec> parameters(Config config, Site.Linear site) {
      return List.of(
          new ParamSpec("change", Shape.of(site.out()), Init.ZEROS, "change").alias(LAYER + "q_proj.other"),
          new ParamSpec("other", Shape.of(site.out()), Init.ZEROS, "other"));
    }
  }

  @Test
  void anAliasThatIsAnotherParametersKeyIsRefused() {
    MethodSample one = MethodSample.of(Map.of("target_modules", List.of("model.layers.0.self_attn.q_proj")));
    assertThatThrownBy(() -> new MethodBench(new Twice(), one, new TinyModel(true), DType.F32, "twice"))
        .isInstanceOf(GraftException.class).hasMessageContaining(LAYER + "q_proj.other twice");
  }

  /** Stores the product of two parameters in their place, which is all that inference needs. */
  static final class Product extends TinyMethod {
    @Override
    List<ParamSpec> parameters(Config config, Site.Linear site) {
      ParamSpec change = new ParamSpec("change", Shape.of(site.out()), Init.ZEROS, "change");
      return config.number() < 0
          ? List.of(change)
          : List.of(new ParamSpec("left", Shape.of(site.out()), new Init.Constant(2), "left"),
              new ParamSpec("right", Shape.of(site.out()), new Init.Constant(0.25), "right"));
    }

    @Override
    public Config forInference(Config config) {
      return new Config(config.targets(), -1);
    }

    @Override
    Tensor change(Config config, Site.Linear site, Params p) {
      return config.number() < 0 ? p.get("change") : p.get("left").times(p.get("right"));
    }

    @Override
    Optional<PeftMethod.Export> exportAt(Config config, Params p) {
      return config.number() < 0
          ? Optional.empty()
          : Optional.of(new PeftMethod.Export(Map.of("change", p.full("left").times(p.full("right"))),
              List.of("left", "right")));
    }
  }

  @Test
  void aSiteMayStoreSomethingElseThanItTrains() {
    try (MethodBench bench = bench(new Product(), DType.F64)) {
      bench.disturbed().save(folder);
      assertThat(file()).hasSize(4).containsKey(LAYER + "q_proj.change");
      HostTensor left = value(bench, LAYER + "q_proj.left");
      HostTensor right = value(bench, LAYER + "q_proj.right");
      HostTensor stored = Objects.requireNonNull(bench.load(folder).values().get(LAYER + "q_proj.change"));
      for (long i = 0; i < 16; i++) {
        assertThat(stored.at(i)).isCloseTo(left.at(i) * right.at(i), Offset.offset(1e-6));
      }
    }
  }

  /** Adds a norm to the loss, keeps its parameters within a bound, counts steps, and sums sensitivities. */
  static final class Bounded extends TinyMethod {
    static final double BOUND = 0.015;

    @Override
    public List<ParamSpec> shared(Config config, ModelOutline outline, List<Site> selected) {
      return List.of(new ParamSpec("steps", Shape.of(), Init.ZEROS, "base_model.steps").notStored());
    }

    @Override
    List<ParamSpec> parameters(Config config, Site.Linear site) {
      return List.of(new ParamSpec("change", Shape.of(site.out()), new Init.Constant(0.01), "change"),
          new ParamSpec("sensitivity", Shape.of(site.out()), Init.ZEROS, "sensitivity").frozen());
    }

    @Override
    public Optional<Tensor> penalty(Config config, AdapterParams p) {
      return p.sites().stream().map(site -> p.at(site).full("change").square().sum().reshape(1))
          .reduce(Tensor::plus).map(sum -> sum.times(config.number()));
    }

    @Override
    public List<ParamUpdate> afterStep(Config config, StepParams p) {
      List<ParamUpdate> updates = new ArrayList<>();
      updates.add(ParamUpdate.shared("steps", p.shared().full("steps").plus(1)));
      for (Site site : p.sites()) {
        Tensor made = p.at(site).full("change");
        updates.add(ParamUpdate.at(site, "change", made
            .minimum(Tensor.scalar(BOUND, made.dtype())).maximum(Tensor.scalar(-BOUND, made.dtype()))));
        updates.add(ParamUpdate.at(site, "sensitivity", p.gradients().at(site).full("change")
            .times(p.before().at(site).full("change")).abs()));
      }
      return updates;
    }
  }

  static class BoundedContract extends MethodContract {
    @Override
    protected PeftMethod<?> method() {
      return new Bounded();
    }

    @Override
    protected List<MethodSample> samples() {
      return List.of(SAMPLE.changingAtStart());
    }
  }

  private static double squares(MethodBench bench) {
    double sum = 0;
    for (Map.Entry<String, HostTensor> entry : bench.values().entrySet()) {
      if (entry.getKey().endsWith("change")) {
        for (long i = 0; i < entry.getValue().shape().size(); i++) {
          sum += entry.getValue().at(i) * entry.getValue().at(i);
        }
      }
    }
    return sum;
  }

  private static Trainer trainer(MethodBench bench) {
    return new Trainer(bench.bench().session(), bench.bench().base(), bench.attachment(), Bench.ADAPTER,
        bench.bench().type(),
        bench.training(9));
  }

  @Test
  void aStepAddsThePenaltyOnceAndUpdatesWhatTheMethodUpdates() {
    try (MethodBench bench = bench(new Bounded(), DType.F64);
        MethodBench plain = bench(new TinyMethodWithState(), DType.F64)) {
      TokenBatch batch = bench.batch();
      double expected = 0.5 * squares(bench);
      assertThat(expected).isCloseTo(0.5 * 48 * 1e-4, Offset.offset(1e-12));
      String key = LAYER + "q_proj.change";
      HostTensor slope = Objects.requireNonNull(bench.bench()
          .gradients(bench.bench().loss(bench.rows(2), batch, false)).get(key)).orElseThrow();
      try (Trainer trainer = trainer(bench); Trainer without = trainer(plain)) {
        StepReport one = trainer.step(_ -> List.of(batch));
        StepReport other = without.step(_ -> List.of(batch));
        assertThat(one.loss() - other.loss()).isCloseTo(expected, Offset.offset(1e-12));
        HostTensor change = value(bench, key);
        HostTensor sensitivity = value(bench, LAYER + "q_proj.sensitivity");
        for (long i = 0; i < 16; i++) {
          // The first step of Adam goes 0.02 either way, and so beyond the bound.
          assertThat(Math.abs(change.at(i))).isLessThanOrEqualTo(Bounded.BOUND);
          assertThat(sensitivity.at(i)).isCloseTo(Math.abs(0.01 * slope.at(i)), Offset.offset(1e-12));
        }
        assertThat(value(bench, "base_model.steps").item()).isEqualTo(1);

        double before = 0.5 * squares(bench);
        Bench.Loss whole = bench.bench().loss(bench.rows(2), batch, false);
        double loss = SessionRules.result(bench.bench().run(
            Graph.of("loss", Map.of("loss", whole.graph().loss()), List.of()), whole.feeds()), "loss").item();
        // Twice the batch is the same mean loss: a penalty for each batch would count it twice.
        StepReport two = trainer.step(_ -> List.of(batch, batch));
        assertThat(before).isPositive();
        assertThat(two.loss()).isCloseTo(loss, Offset.offset(before * 1e-6));
        assertThat(value(bench, "base_model.steps").item()).isEqualTo(2);
      }
    }
  }

  /** The same formula without a penalty. */
  static final class TinyMethodWithState extends TinyMethod {
    @Override
    List<ParamSpec> parameters(Config config, Site.Linear site) {
      return List.of(new ParamSpec("change", Shape.of(site.out()), new Init.Constant(0.01), "change"));
    }
  }

  @Test
  void aMethodWithStatesPassesTheContract() {
    assertThat(ContractRun.failures(BoundedContract.class)).isEmpty();
  }

  /** Trains norms as LN-tuning does. */
  static final class Norms extends TinyMethod {
    @Override
    public Targets targets(Config config) {
      return Targets.of(new Targets.Selection.Whole(new Targets.Selection.Names(config.targets()),
          "ln_tuning_layers"));
    }
  }

  static class NormsContract extends MethodContract {
    @Override
    protected PeftMethod<?> method() {
      return new Norms();
    }

    @Override
    protected List<MethodSample> samples() {
      return List.of(MethodSample.of(Map.of("target_modules", List.of("norm_1", "model.norm"))));
    }
  }

  @Test
  void normsLearnAsAWholeUnderTheMethodsOwnKey() {
    assertThat(ContractRun.failures(NormsContract.class)).isEmpty();
    MethodSample sample = MethodSample.of(Map.of("target_modules", List.of("norm_1", "model.norm")));
    try (MethodBench bench = new MethodBench(new Norms(), sample, new TinyModel(true), DType.F32, "norms")) {
      assertThat(bench.attachment().tensors().keySet()).containsExactlyInAnyOrder(
          "base_model.model.model.layers.0.norm_1.ln_tuning_layers.weight",
          "base_model.model.model.layers.1.norm_1.ln_tuning_layers.weight",
          "base_model.model.model.norm.ln_tuning_layers.weight");
      assertThatThrownBy(() -> new MethodBench(new Norms(),
          MethodSample.of(Map.of("target_modules", List.of("norm1"))), new TinyModel(true), DType.F32,
          "norms"))
          .isInstanceOf(GraftException.class).hasMessageContaining("did you mean \"norm_1\"?");
    }
  }

  /** Acts nowhere: all it does is to save modules. */
  static final class Nothing extends TinyMethod {
    @Override
    public Targets targets(Config config) {
      return new Targets(new Targets.Selection.None(), Optional.empty(), List.of(), List.of(),
          List.of("norm_2"), Targets.Bias.NONE);
    }
  }

  @Test
  void aMethodMayOnlySaveModules() {
    try (MethodBench bench = bench(new Nothing(), DType.F32)) {
      assertThat(bench.attachment().sites()).isEmpty();
      bench.disturbed().save(folder);
      assertThat(bench.load(folder).values()).containsOnlyKeys(
          "base_model.model.model.layers.0.norm_2.weight",
          "base_model.model.model.layers.1.norm_2.weight");
    }
  }
}
