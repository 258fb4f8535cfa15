package dev.graft.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.graft.core.GraftAdapter;
import dev.graft.core.GraftModel;
import dev.graft.core.ModelOptions;
import dev.graft.core.PluginCatalog;
import dev.graft.core.Schedule;
import dev.graft.core.TokenBatch;
import dev.graft.core.TrainingOptions;
import dev.graft.core.attach.AdapterWeights;
import dev.graft.core.attach.Attachment;
import dev.graft.core.weights.BaseModel;
import dev.graft.error.GraftException;
import dev.graft.formats.AdapterFolder;
import dev.graft.formats.TensorSource;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Tensor;
import dev.graft.spi.CausalModel;
import dev.graft.spi.Configuration;
import dev.graft.spi.Layers;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Adapts a model whose modules bear the names of an adapter's tensors, of parts of parameters, and of the
 * adapter. Who finds tensors by parts of their names mixes these up.
 */
class OddNamesTests {
  private static final List<String> MODULES = List.of("lora_A", "lora_B", "weight", "bias", "base_layer",
      "lora_magnitude_vector", "adapter-1", "default", "base_model");

  private final PluginCatalog plugins = PluginCatalog.discover(OddNamesTests.class.getClassLoader());

  @TempDir
  Path folder = Path.of("");

  /** Adds the results of linear layers of odd names, each with a bias. */
  private record OddModel() implements CausalModel {
    private static final long VOCABULARY = 11;
    private static final long WIDTH = 6;

    @Override
    public long vocabulary() {
      return VOCABULARY;
    }

    @Override
    public long maxPositions() {
      return 16;
    }

    @Override
    public Tensor hidden(Layers layers, Tensor ids, Tensor positions) {
      Tensor x = layers.input("model.embed", layers.embedding("model.embed", ids, VOCABULARY, WIDTH));
      for (String module : MODULES) {
        x = x.plus(layers.linear("model." + module, x, WIDTH, true).tanh());
      }
      return x;
    }

    @Override
    public Tensor logits(Layers layers, Tensor rows) {
      return layers.head("lm_head", rows, VOCABULARY, "");
    }
  }

  /** Computes one linear layer for nothing, and reads another only as a constant. */
  private record HalfUsedModel() implements CausalModel {
    @Override
    public long vocabulary() {
      return OddModel.VOCABULARY;
    }

    @Override
    public long maxPositions() {
      return 16;
    }

    @Override
    public Tensor hidden(Layers layers, Tensor ids, Tensor positions) {
      Tensor x = layers.input("model.embed",
          layers.embedding("model.embed", ids, vocabulary(), OddModel.WIDTH));
      layers.linear("model.unread", x, OddModel.WIDTH, false);
      Tensor constant = layers.linear("model.detached", x, OddModel.WIDTH, false).detach();
      return x.plus(layers.linear("model.used", x, OddModel.WIDTH, false)).plus(constant);
    }

    @Override
    public Tensor logits(Layers layers, Tensor rows) {
      return layers.head("lm_head", rows, vocabulary(), "");
    }
  }

  @Test
  void aTensorThatTheLossDoesNotDependOnIsNamedBeforeTheFirstStep() {
    try (GraftModel model = GraftModel.of(base(new HalfUsedModel()),
        new ModelOptions(Optional.of("reference"), DType.F32, 1), plugins)) {
      GraftAdapter adapter = model.attach("lora", Map.of("r", 2L, "target_modules",
          List.of("used", "unread", "detached")));
      assertThatThrownBy(() -> adapter.trainer(TrainingOptions.of(5, 0.05)))
          .isInstanceOf(GraftException.class)
          .hasMessageContaining("4 of 6 trainable tensors").hasMessageContaining("unread.lora_A");
      GraftAdapter rest = model.attach("lora", Map.of("r", 2L, "target_modules", List.of("used")));
      rest.train(TrainingOptions.of(2, 0.05), _ -> List.of(batch()), _ -> {
      });
    }
  }

  private static BaseModel base() {
    return base(new OddModel());
  }

  private static BaseModel base(CausalModel model) {
    Random random = new Random(4);
    Map<String, HostTensor> weights = new LinkedHashMap<>();
    BaseModel.outline(model).parameters().forEach((name, shape) -> {
      HostTensor value = HostTensor.zeros(DType.F32, shape);
      for (long i = 0; i < shape.size(); i++) {
        value.set(i, random.nextGaussian() / 2);
      }
      weights.put(name, value);
    });
    return new BaseModel(model, TensorSource.of(weights), List.of());
  }

  private static TokenBatch batch() {
    long[] ids = {1, 2, 3, 4, 5, 6};
    return new TokenBatch(1, 6, ids, new long[]{1, 1, 1, 1, 1, 1}, ids.clone());
  }

  private GraftModel open() {
    return GraftModel.of(base(), new ModelOptions(Optional.of("reference"), DType.F32, 1), plugins);
  }

  @ParameterizedTest
  @ValueSource(strings = {"lora", "dora"})
  void suchAModelIsTrainedStoredReadAndMerged(String method) {
    try (GraftModel model = open()) {
      GraftAdapter adapter = model.attach(method, Map.of("r", 2L, "bias", "all"));
      double before = adapter.loss(List.of(batch()));
      assertThat(before).isEqualTo(model.loss(List.of(batch())));
      adapter.train(new TrainingOptions(5, 0.05, Schedule.CONSTANT, 0, 0, 0.9, 0.999, 1e-8, 0,
          false, 3), _ -> List.of(batch()), _ -> {
          });
      double trained = adapter.loss(List.of(batch()));
      assertThat(trained).isLessThan(before);
      adapter.save(folder);

      assertStored(adapter.attachment());
      Map<String, HostTensor> merged = adapter.formulas().merge();
      List<String> changed = new ArrayList<>();
      MODULES.forEach(module -> changed
          .addAll(List.of("model." + module + ".weight", "model." + module + ".bias")));
      assertThat(merged.keySet()).containsExactlyInAnyOrderElementsOf(changed);
      merged.forEach(model.session()::upload);
      assertThat(model.loss(List.of(batch()))).isCloseTo(trained, within(1e-5));
    }
  }

  private void assertStored(Attachment attachment) {
    try (AdapterFolder stored = AdapterFolder.open(folder)) {
      assertThat(stored.names()).isEqualTo(attachment.tensors().keySet());
      for (String module : MODULES) {
        String site = "base_model.model.model." + module;
        assertThat(stored.names()).contains(site + ".lora_A.weight", site + ".lora_B.weight",
            site + ".base_layer.bias");
      }
      Attachment read = new Attachment(attachment.method(),
          Configuration.stored("adapter_config.json", stored.config()), BaseModel.outline(new OddModel()),
          false);
      Map<String, HostTensor> values = AdapterWeights.read(read, stored, "the adapter",
          name -> base().value(name, DType.F32)).values();
      assertThat(values.keySet()).isEqualTo(stored.names());
    }
  }

  @Test
  void eachModuleIsTargetedByItsOwnName() {
    try (GraftModel model = open()) {
      for (String module : MODULES) {
        GraftAdapter adapter = model.attach("lora", Map.of("r", 1L, "target_modules", List.of(module)));
        assertThat(adapter.attachment().sites()).singleElement()
            .satisfies(site -> assertThat(site.name()).isEqualTo("model." + module));
        assertThat(adapter.attachment().tensors().keySet()).containsExactly(
            "base_model.model.model." + module + ".lora_A.weight",
            "base_model.model.model." + module + ".lora_B.weight");
      }
    }
  }

  @Test
  void aModuleMayBeSavedWhole() {
    try (GraftModel model = open()) {
      GraftAdapter adapter = model.attach("lora",
          Map.of("r", 1L, "target_modules", List.of("lora_A"), "modules_to_save", List.of("weight")));
      assertThat(adapter.attachment().tensors().keySet()).containsExactlyInAnyOrder(
          "base_model.model.model.lora_A.lora_A.weight", "base_model.model.model.lora_A.lora_B.weight",
          "base_model.model.model.weight.weight", "base_model.model.model.weight.bias");
      assertThatCode(() -> adapter.save(folder)).doesNotThrowAnyException();
      assertThat(adapter.attachment().replacement("model.weight.bias")).isPresent();
    }
  }
}
