package dev.graft.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.graft.core.Schedule;
import dev.graft.core.TrainingOptions;
import dev.graft.core.attach.AdapterWeights;
import dev.graft.core.attach.Attachment;
import dev.graft.core.graphs.RowGroup;
import dev.graft.core.train.Trainer;
import dev.graft.core.weights.LoadedModel;
import dev.graft.error.GraftException;
import dev.graft.formats.AdapterFolder;
import dev.graft.formats.Json;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PrefixTuningTests {
  private static final Map<String, Object> PROJECTED = Map.of("num_virtual_tokens", 4L, "prefix_projection",
      true, "encoder_hidden_size", 6L);

  @TempDir
  Path folder;

  private final SmallModel small = new SmallModel();

  @AfterEach
  void close() {
    small.close();
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void checkpointedBlocksGiveTheSameLossAndGradients(boolean projection) {
    Attachment attachment = small.create("prefix", "prefix-tuning",
        Map.of("num_virtual_tokens", 4L, "prefix_projection", projection));
    RowGroup group = small.group("prefix", attachment);

    Map<String, HostTensor> plain = small.lossAndGradients(group, false);
    Map<String, HostTensor> checkpointed = small.lossAndGradients(group, true);

    assertThat(checkpointed.keySet()).isEqualTo(plain.keySet()).hasSize(projection ? 6 : 2);
    plain.forEach((name, value) -> {
      HostTensor other = Objects.requireNonNull(checkpointed.get(name));
      double largest = 0;
      for (long i = 0; i < value.shape().size(); i++) {
        assertThat(other.at(i)).as(name).isCloseTo(value.at(i), within(1e-14));
        largest = Math.max(largest, Math.abs(value.at(i)));
      }
      assertThat(largest).as(name).isPositive();
    });
  }

  @Test
  void aProjectedPrefixIsStoredAsItsResult() throws Exception {
    Attachment attachment = small.create("prefix", "prefix-tuning", PROJECTED);
    double[] logits = small.logits("prefix", attachment);
    small.formulas("prefix", attachment).save(folder, "models/llama");

    try (AdapterFolder file = AdapterFolder.open(folder)) {
      assertThat(file.names()).containsExactly("prompt_embeddings");
      assertThat(file.tensor("prompt_embeddings").shape()).isEqualTo(Shape.of(4, 2 * 2 * 32));
    }
    assertThat(Json.readObject(folder.resolve("adapter_config.json")))
        .containsEntry("prefix_projection", true)
        .containsEntry("encoder_hidden_size", 6L);
    try (LoadedModel.LoadedAdapter stored = small.model.adapter(folder, false)) {
      AdapterWeights.upload(small.session, "stored", stored.values(), SmallModel.TYPE);
      assertThat(small.logits("stored", stored.attachment())).containsExactly(logits, within(1e-5));
    }
  }

  @Test
  void trainingGoesOnFromTheNetworkBesideTheResult() {
    Attachment attachment = small.create("prefix", "prefix-tuning", PROJECTED);
    train("prefix", attachment);
    small.formulas("prefix", attachment).save(folder, "models/llama");

    try (LoadedModel.LoadedAdapter loaded = small.model.adapter(folder, true)) {
      assertThat(loaded.attachment().tensors().keySet()).isEqualTo(attachment.tensors().keySet());
      AdapterWeights.upload(small.session, "loaded", loaded.values(), SmallModel.TYPE);
      assertThat(train("loaded", loaded.attachment())).isEqualTo(train("prefix", attachment));
      attachment.tensors().keySet().forEach(key -> assertThat(
          small.value("loaded", key).segment().mismatch(small.value("prefix", key).segment())).as(key)
          .isEqualTo(-1));
    }
  }

  /** Trains two steps and returns the second loss. */
  private double train(String adapter, Attachment attachment) {
    TrainingOptions options = new TrainingOptions(2, 0.01, Schedule.CONSTANT, 0, 0, 0.9, 0.999, 1e-8, 1, true,
        0);
    try (Trainer trainer = new Trainer(small.session, small.model.base(), attachment, adapter,
        SmallModel.TYPE, options)) {
      trainer.step(step -> List.of(small.batch(step)));
      return trainer.step(step -> List.of(small.batch(step))).loss();
    }
  }

  @Test
  void withoutItsNetworkAProjectedPrefixCannotBeTrainedFurther() throws Exception {
    Attachment attachment = small.create("prefix", "prefix-tuning", PROJECTED);
    small.formulas("prefix", attachment).save(folder, "models/llama");
    Files.delete(folder.resolve("graft_training.safetensors"));

    assertThatThrownBy(() -> small.model.adapter(folder, true)).isInstanceOf(GraftException.class)
        .hasMessageContaining(folder.toString()).hasMessageContaining("cannot be trained further");
    small.model.adapter(folder, false).close();
  }

  @Test
  void aDamagedNetworkIsNamed() {
    Attachment attachment = small.create("prefix", "prefix-tuning", PROJECTED);
    small.formulas("prefix", attachment).save(folder, "models/llama");
    try (AdapterFolder file = AdapterFolder.open(folder)) {
      Map<String, HostTensor> rest = new TreeMap<>();
      file.training().names().stream().filter(name -> !name.endsWith("transform.2.bias"))
          .forEach(name -> rest.put(name, file.training().tensor(name)));
      AdapterFolder.save(folder.resolve("damaged"), file.config(), file,
          dev.graft.formats.TensorSource.of(rest));
    }

    assertThatThrownBy(() -> small.model.adapter(folder.resolve("damaged"), true))
        .isInstanceOf(GraftException.class).hasMessageContaining("graft_training.safetensors")
        .hasMessageContaining("prompt_encoder.transform.2.bias");
  }

  @Test
  void aPlainPrefixNeedsNoFileBesideIt() {
    Attachment attachment = small.create("prefix", "prefix-tuning", Map.of("num_virtual_tokens", 3L));
    small.formulas("prefix", attachment).save(folder, "models/llama");

    assertThat(folder.resolve("graft_training.safetensors")).doesNotExist();
    small.model.adapter(folder, true).close();
  }

  @Test
  void aPrefixForAnotherModelIsRefused() {
    assertThatThrownBy(
        () -> small.bind("prefix-tuning",
            Map.of("num_virtual_tokens", 3L, "num_layers", 12L, "token_dim", 32L)))
        .isInstanceOf(GraftException.class).hasMessageContaining("\"num_layers\" is 12")
        .hasMessageContaining("this model has 2");
  }

  @Test
  void everyFaultOfTheSettingsIsNamed() {
    assertThatThrownBy(() -> small.bind("prefix-tuning",
        Map.of("init_weights", "ones", "num_transformer_submodules", 2L, "modules_to_save",
            List.of("lm_head"),
            "encoder_hidden_size", 0L)))
        .isInstanceOf(GraftException.class).hasMessageContainingAll("num_virtual_tokens", "init_weights",
            "num_transformer_submodules", "modules_to_save", "encoder_hidden_size");
  }

  @Test
  void zeroesMakeKeysAndValuesOfZeros() {
    for (boolean projection : new boolean[]{false, true}) {
      Attachment attachment = small.create("zero", "prefix-tuning",
          Map.of("num_virtual_tokens", 2L, "init_weights", "zero", "prefix_projection", projection));
      HostTensor table = Objects.requireNonNull(
          small.formulas("zero", attachment).stored().get("prompt_embeddings"));
      for (long i = 0; i < table.shape().size(); i++) {
        assertThat(table.at(i)).isZero();
      }
    }
  }
}
