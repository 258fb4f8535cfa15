package dev.graft.formats;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.error.GraftException;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AdapterFolderTests {
  @TempDir
  Path folder;

  @Test
  void savesEveryFixtureToTheByteAsPeftDid() throws IOException {
    int adapters = 0;
    for (Path config : Golden.files("adapter_config.json")) {
      if (Golden.isErrorCase(config)) {
        continue;
      }
      Path copy = folder.resolve("copy");
      try (AdapterFolder adapter = AdapterFolder.open(config.resolveSibling(""))) {
        AdapterFolder.save(copy, adapter.config(), adapter);
      }
      assertThat(Files.readString(copy.resolve("adapter_config.json"))).as(config.toString())
          .isEqualTo(Files.readString(config));
      assertThat(Files.mismatch(copy.resolve("adapter_model.safetensors"),
          config.resolveSibling("adapter_model.safetensors"))).as(config.toString()).isEqualTo(-1);
      adapters++;
    }
    assertThat(adapters).isGreaterThan(40);
  }

  @Test
  void keepsUnknownFields() {
    Map<String, Object> config = Map.of("peft_type", "LORA", "from_the_future", List.of(1L, "é", 1e-05));
    AdapterFolder.save(folder, config, one(1));

    try (AdapterFolder adapter = AdapterFolder.open(folder)) {
      assertThat(adapter.config()).isEqualTo(config);
      assertThat(adapter.peftType()).isEqualTo("LORA");
      assertThat(adapter.path()).isEqualTo(folder);
    }
  }

  @Test
  void anOpenAdapterSurvivesASaveToItsPlace() {
    AdapterFolder.save(folder, lora(), one(1));
    try (AdapterFolder before = AdapterFolder.open(folder)) {
      AdapterFolder.save(folder, lora(), one(2));

      assertThat(before.tensor("t").item()).isEqualTo(1);
      AdapterFolder.save(folder, lora(), before);
    }
    try (AdapterFolder after = AdapterFolder.open(folder)) {
      assertThat(after.tensor("t").item()).isEqualTo(1);
    }
  }

  @Test
  void refusesToSaveNonFiniteValuesAndKeepsTheOldPair() throws IOException {
    AdapterFolder.save(folder, lora(), one(1));

    assertThatThrownBy(() -> AdapterFolder.save(folder, lora(), one(Float.NaN)))
        .isInstanceOf(GraftException.class).hasMessageContainingAll("tensor t", "NaN");
    try (AdapterFolder adapter = AdapterFolder.open(folder)) {
      assertThat(adapter.tensor("t").item()).isEqualTo(1);
    }
    assertThat(names()).containsExactly("adapter_config.json", "adapter_model.safetensors");
  }

  @Test
  void refusesToSaveWithoutAMethod() {
    assertThatThrownBy(() -> AdapterFolder.save(folder, Map.of("r", 8), one(1)))
        .isInstanceOf(GraftException.class).hasMessageContaining("peft_type");
  }

  @Test
  void ignoresHalfWrittenFilesOfASaveThatDidNotCount() throws IOException {
    AdapterFolder.save(folder, lora(), one(1));
    Files.writeString(folder.resolve("adapter_model.safetensors.new"), "half");
    Files.writeString(folder.resolve("adapter_config.json.new"), "{");

    try (AdapterFolder adapter = AdapterFolder.open(folder)) {
      assertThat(adapter.tensor("t").item()).isEqualTo(1);
    }
  }

  @Test
  void refusesAPairThatWasDamagedAfterAnInterruptedSave() throws IOException {
    AdapterFolder.save(folder, lora(), one(1));
    Files.writeString(folder.resolve(".graft-save.json"), """
        {"adapter_config.json": {"bytes": 1, "crc32c": "00000000"},
         "adapter_model.safetensors": {"bytes": 1, "crc32c": "00000000"}}""");

    assertThatThrownBy(() -> AdapterFolder.open(folder)).isInstanceOf(GraftException.class)
        .hasMessageContainingAll("adapter_config.json", ".graft-save.json", "interrupted");
    assertThatThrownBy(() -> AdapterFolder.save(folder, lora(), one(2))).isInstanceOf(GraftException.class);
  }

  @Test
  void neverOpensAPickle() throws IOException {
    Files.writeString(folder.resolve("adapter_config.json"), "{\"peft_type\": \"LORA\"}");
    Path pickle = Files.writeString(folder.resolve("adapter_model.bin"), "x");
    assertThat(pickle.toFile().setReadable(false)).isTrue();

    assertThatThrownBy(() -> AdapterFolder.open(folder)).isInstanceOf(GraftException.class)
        .hasMessageContainingAll("adapter_model.bin", "pickle", "Convert", "adapter_model.safetensors");
  }

  @Test
  void namesWhatIsMissing() {
    assertThatThrownBy(() -> AdapterFolder.open(folder)).isInstanceOf(GraftException.class)
        .hasMessageContainingAll(folder.toString(), "adapter_config.json", "missing");
    assertThatThrownBy(() -> AdapterFolder.open(folder.resolve("no"))).isInstanceOf(GraftException.class)
        .hasMessageContainingAll("no", "not a folder");
  }

  private static Map<String, Object> lora() {
    return Map.of("peft_type", "LORA");
  }

  private static TensorSource one(float value) {
    return TensorSource.of(Map.of("t", HostTensor.ofFloats(Shape.of(1), value)));
  }

  private List<String> names() throws IOException {
    try (Stream<Path> list = Files.list(folder)) {
      return list.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  @Test
  void parametersForTrainingBelongToTheWeightsTheyWereSavedWith() throws IOException {
    Path other = folder.resolve("other");
    AdapterFolder.save(folder, lora(), one(1), one(10));
    AdapterFolder.save(other, lora(), one(2));
    try (AdapterFolder adapter = AdapterFolder.open(folder)) {
      assertThat(adapter.names()).containsExactly("t");
      assertThat(adapter.training().tensor("t").item()).isEqualTo(10);
    }

    Files.copy(other.resolve("adapter_model.safetensors"), folder.resolve("adapter_model.safetensors"),
        StandardCopyOption.REPLACE_EXISTING);

    try (AdapterFolder adapter = AdapterFolder.open(folder)) {
      assertThat(adapter.tensor("t").item()).isEqualTo(2);
      assertThatThrownBy(adapter::training).isInstanceOf(GraftException.class)
          .hasMessageContaining("graft_training.safetensors belongs to other weights");
    }
  }

  @Test
  void theOrderOfPatternsIsKept() {
    Map<String, Object> ranks = new LinkedHashMap<>();
    ranks.put("z_proj", 4L);
    ranks.put(".*_proj", 2L);
    AdapterFolder.save(folder, Map.of("peft_type", "LORA", "rank_pattern", ranks), one(1));

    try (AdapterFolder adapter = AdapterFolder.open(folder)) {
      assertThat(
          ((Map<?, ?>) Objects.requireNonNull(adapter.config().get("rank_pattern"))).keySet().toString())
          .isEqualTo("[z_proj, .*_proj]");
    }
  }

  @Test
  void whatWasOpenedIsClosedIfTheTrainingFileIsFaulty() throws IOException {
    AdapterFolder.save(folder, lora(), one(1), one(2));
    Files.writeString(folder.resolve("graft_training.safetensors"), "none");
    for (int i = 0; i < 20; i++) {
      assertThatThrownBy(() -> AdapterFolder.open(folder)).isInstanceOf(GraftException.class);
    }

    assertThat(openFiles(folder)).isEmpty();
  }

  /** Lists what this process has open in a folder; nothing on a system that does not tell. */
  private static List<Path> openFiles(Path folder) throws IOException {
    Path descriptors = Path.of("/proc/self/fd");
    if (Files.notExists(descriptors)) {
      return List.of();
    }
    List<Path> open = new ArrayList<>();
    try (Stream<Path> all = Files.list(descriptors)) {
      for (Path link : all.toList()) {
        if (Files.isSymbolicLink(link) && Files.readSymbolicLink(link).startsWith(folder.toRealPath())) {
          open.add(link);
        }
      }
    }
    return open;
  }
}
