package dev.graft.formats;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.error.GraftException;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ModelFolderTests {
  @TempDir
  Path folder;
  private Path model;

  @BeforeEach
  void createModelFolder() throws IOException {
    model = Files.createDirectory(folder.resolve("model"));
    Files.writeString(model.resolve("config.json"), "{\"model_type\": \"llama\"}");
  }

  @Test
  void opensAModelInOneFile() {
    try (ModelFolder llama = ModelFolder.open(Golden.root().resolve("models").resolve("llama"))) {
      assertThat(llama.config().get("model_type")).isEqualTo("llama");
      assertThat(llama.generationConfig()).isNotEmpty();
      assertThat(llama.signature("model.embed_tokens.weight").dtype()).isEqualTo(DType.F32);
      assertThat(llama.tensor("model.norm.weight").shape()).isEqualTo(Shape.of(64));
      assertThat(llama.sideFiles()).extracting(file -> file.getFileName().toString())
          .containsExactly("generation_config.json", "tokenizer.json", "tokenizer_config.json",
              "chat_template.jinja");
      assertThatThrownBy(() -> llama.tensor("model.no.weight")).isInstanceOf(GraftException.class)
          .hasMessageContainingAll("model.no.weight", "missing", "llama");
    }
  }

  @Test
  void opensTheShardedModelOfTheDemoAndWritesItAgain() throws IOException {
    Path copy = folder.resolve("copy");
    try (ModelFolder base = ModelFolder.open(Golden.demoBase())) {
      Path index = Golden.demoBase().resolve("model.safetensors.index.json");
      Map<String, ?> stored = Json.readObject(index);
      assertThat(base.names()).hasSameSizeAs(map(stored, "weight_map").keySet());
      assertThat(base.unmappedTensors()).isEmpty();
      long parameters = 0;
      for (String name : base.names()) {
        parameters += base.signature(name).shape().size();
      }
      Map<?, ?> metadata = map(stored, "metadata");
      assertThat(metadata.get("total_parameters")).isEqualTo(parameters);

      ModelFolderWriter.standard().withShardBytes(8_000_000).write(copy, base.config(), base,
          base.sideFiles());
      try (ModelFolder again = ModelFolder.open(copy)) {
        assertThat(again.names()).containsExactlyInAnyOrderElementsOf(base.names());
        for (String name : base.names()) {
          assertThat(Samples.same(again.tensor(name), base.tensor(name))).as(name).isTrue();
        }
        assertThat(again.config()).isEqualTo(base.config());
        Map<String, ?> written = Json.readObject(copy.resolve("model.safetensors.index.json"));
        assertThat(written.get("metadata")).isEqualTo(metadata);
      }
      for (Path file : base.sideFiles()) {
        assertThat(copy.resolve(file.getFileName())).hasSameBinaryContentAs(file);
      }
    }
    assertThat(shards(copy)).hasSizeGreaterThan(3).allMatch(
        name -> name.matches("model-0000\\d-of-0000" + shards(copy).size() + "\\.safetensors"));
    assertThat(names(folder)).containsExactly("copy", "model");
  }

  @Test
  void writesOneFileWithoutAnIndexIfEverythingFits() throws IOException {
    Path target = folder.resolve("target");
    ModelFolderWriter.standard().write(target, Map.of("a", 1L), three(), List.of());

    assertThat(names(target)).containsExactly("config.json", "model.safetensors");
    assertThat(target.resolve("config.json")).hasContent("{\n  \"a\": 1\n}\n");
  }

  @Test
  void givesATensorBeyondTheLimitAShardOfItsOwn() throws IOException {
    Path target = folder.resolve("target");
    ModelFolderWriter.standard().withShardBytes(3).write(target, Map.of(), three(), List.of());

    assertThat(shards(target)).hasSize(3);
    try (ModelFolder written = ModelFolder.open(target)) {
      assertThat(written.names()).containsExactlyElementsOf(three().names());
    }
  }

  @Test
  void neverOverwritesUnlessTold() throws IOException {
    Path target = folder.resolve("target");
    ModelFolderWriter.standard().write(target, Map.of("v", 1L), three(), List.of());

    assertThatThrownBy(() -> ModelFolderWriter.standard().write(target, Map.of("v", 2L), three(), List.of()))
        .isInstanceOf(GraftException.class).hasMessageContainingAll("target", "not empty");
    assertThat(Json.readObject(target.resolve("config.json")).get("v")).isEqualTo(1L);
    ModelFolderWriter.standard().replacing().write(target, Map.of("v", 3L), three(), List.of());
    assertThat(Json.readObject(target.resolve("config.json")).get("v")).isEqualTo(3L);
  }

  @Test
  void neverReplacesAFolderThatIsNoModel() throws IOException {
    Path target = Files.createDirectory(folder.resolve("documents"));
    Files.writeString(target.resolve("thesis.txt"), "mine");

    assertThatThrownBy(() -> ModelFolderWriter.standard().replacing()
        .write(target, Map.of(), three(), List.of()))
        .isInstanceOf(GraftException.class).hasMessageContaining("no model folder");
    assertThat(target.resolve("thesis.txt")).hasContent("mine");
  }

  @Test
  void writesIntoAnEmptyFolder() throws IOException {
    Path target = Files.createDirectory(folder.resolve("target"));
    ModelFolderWriter.standard().write(target, Map.of(), three(), List.of());

    ModelFolder.open(target).close();
  }

  @Test
  void replacesTheModelFromWhichItReads() throws IOException {
    SafetensorsWriter.pytorch().write(model.resolve("model.safetensors"), three());
    try (ModelFolder open = ModelFolder.open(model)) {
      ModelFolderWriter.standard().replacing().write(model, Map.of("v", 2L), open, open.sideFiles());
    }
    try (ModelFolder open = ModelFolder.open(model)) {
      assertThat(open.config().get("v")).isEqualTo(2L);
      assertThat(open.tensor("b").toFloats()).containsExactly(2, 2);
    }
  }

  @Test
  void leavesNothingBehindIfATensorIsNotFinite() throws IOException {
    Path target = folder.resolve("target");
    TensorSource tensors = TensorSource.of(Map.of("w", HostTensor.ofFloats(Shape.of(1), Float.NaN)));

    assertThatThrownBy(() -> ModelFolderWriter.standard().write(target, Map.of(), tensors, List.of()))
        .isInstanceOf(GraftException.class).hasMessageContainingAll("tensor w", "NaN", "target");
    assertThat(names(folder)).containsExactly("model");
  }

  @ParameterizedTest
  @ValueSource(strings = {"../outside.safetensors", "/a.safetensors", "sub/a.safetensors",
    "sub\\a.safetensors",
    "..", "", "a.bin", "pytorch_model.bin", "a\\u0000.safetensors", "..safetensors",
    "\uFFFD.safetensors", "C:a.safetensors"})
  void refusesAShardOutsideTheFolder(String shard) throws IOException {
    SafetensorsWriter.pytorch().write(folder.resolve("outside.safetensors"), three());
    index("{\"weight_map\": {\"a\": \"" + shard.replace("\\a", "\\\\a") + "\"}}");

    assertThatThrownBy(() -> ModelFolder.open(model)).isInstanceOf(GraftException.class)
        .hasMessageContainingAll("model.safetensors.index.json", "shard of a");
  }

  @Test
  void namesAMissingShard() throws IOException {
    index("{\"weight_map\": {\"a\": \"model-1.safetensors\"}}");

    assertThatThrownBy(() -> ModelFolder.open(model)).isInstanceOf(GraftException.class)
        .hasMessageContainingAll("model-1.safetensors", "missing");
  }

  @Test
  void namesATensorThatIsNotInItsShard() throws IOException {
    SafetensorsWriter.pytorch().write(model.resolve("model-1.safetensors"), three());
    index("{\"weight_map\": {\"a\": \"model-1.safetensors\", \"z\": \"model-1.safetensors\"}}");

    assertThatThrownBy(() -> ModelFolder.open(model)).isInstanceOf(GraftException.class)
        .hasMessageContainingAll("tensor z", "model-1.safetensors", "missing");
  }

  @Test
  void refusesATensorThatTwoShardsHold() throws IOException {
    SafetensorsWriter.pytorch().write(model.resolve("model-1.safetensors"), three());
    SafetensorsWriter.pytorch().write(model.resolve("model-2.safetensors"), three());
    index("{\"weight_map\": {\"a\": \"model-1.safetensors\", \"b\": \"model-2.safetensors\"}}");

    assertThatThrownBy(() -> ModelFolder.open(model)).isInstanceOf(GraftException.class)
        .hasMessageContainingAll("model-1.safetensors", "model-2.safetensors");
  }

  @Test
  void reportsTensorsThatAreNotInTheIndex() throws IOException {
    SafetensorsWriter.pytorch().write(model.resolve("model-1.safetensors"), three());
    index("{\"weight_map\": {\"a\": \"model-1.safetensors\"}}");

    try (ModelFolder opened = ModelFolder.open(model)) {
      assertThat(opened.names()).containsExactly("a");
      assertThat(opened.unmappedTensors()).containsExactly("b", "c");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"{}", "{\"weight_map\": []}", "{\"weight_map\": {\"a\": 1}}",
    "{\"weight_map\": {\"a\": null}}", "[]", "{"})
  void refusesAnIndexThatIsNotOne(String json) throws IOException {
    index(json);

    assertThatThrownBy(() -> ModelFolder.open(model)).isInstanceOf(GraftException.class)
        .hasMessageContaining("model.safetensors.index.json");
  }

  @ParameterizedTest
  @ValueSource(strings = {"pytorch_model.bin", "pytorch_model-00001-of-00002.bin", "consolidated.00.pth"})
  void neverOpensAPickle(String name) throws IOException {
    Path pickle = Files.writeString(model.resolve(name), "x");
    assertThat(pickle.toFile().setReadable(false)).isTrue();

    assertThatThrownBy(() -> ModelFolder.open(model)).isInstanceOf(GraftException.class)
        .hasMessageContainingAll(name, "pickle", "Convert", "model.safetensors");
  }

  @Test
  void namesWhatIsMissing() throws IOException {
    assertThatThrownBy(() -> ModelFolder.open(model)).isInstanceOf(GraftException.class)
        .hasMessageContainingAll("model.safetensors", "no weights");
    Files.delete(model.resolve("config.json"));
    assertThatThrownBy(() -> ModelFolder.open(model)).isInstanceOf(GraftException.class)
        .hasMessageContainingAll("config.json", "does not exist");
    assertThatThrownBy(() -> ModelFolder.open(folder.resolve("no"))).isInstanceOf(GraftException.class)
        .hasMessageContaining("not a folder");
  }

  private static Map<?, ?> map(Map<String, ?> json, String key) {
    return (Map<?, ?>) Objects.requireNonNull(json.get(key), key);
  }

  private void index(String json) throws IOException {
    Files.writeString(model.resolve("model.safetensors.index.json"), json);
  }

  private static TensorSource three() {
    Map<String, HostTensor> tensors = new LinkedHashMap<>();
    tensors.put("a", HostTensor.ofFloats(Shape.of(1), 1));
    tensors.put("b", HostTensor.ofFloats(Shape.of(2), 2, 2));
    tensors.put("c", HostTensor.ofFloats(Shape.of(3), 3, 3, 3));
    return TensorSource.of(tensors);
  }

  private static List<String> shards(Path directory) {
    try {
      return names(directory).stream().filter(name -> name.endsWith(".safetensors")).toList();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static List<String> names(Path directory) throws IOException {
    try (Stream<Path> list = Files.list(directory)) {
      return list.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }
}
