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
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class SafetensorsWriterTests {
  @TempDir
  Path folder;

  @Test
  void writesEveryFixtureToTheByteAsItsAuthorDid() throws IOException {
    List<Path> fixtures = Golden.files(".safetensors");
    assertThat(fixtures).hasSizeGreaterThan(100);
    Path copy = folder.resolve("copy.safetensors");
    for (Path fixture : fixtures) {
      if (Golden.isErrorCase(fixture)) {
        continue;
      }
      try (SafetensorsFile file = SafetensorsFile.open(fixture)) {
        SafetensorsWriter.withMetadata(file.metadata()).write(copy, file);
      }
      assertThat(Files.mismatch(fixture, copy)).as(fixture.toString()).isEqualTo(-1);
    }
  }

  @Test
  void readsBackWhatItWrote() throws IOException {
    Map<String, HostTensor> tensors = Samples.everyType(7);
    Path path = folder.resolve("x.safetensors");
    SafetensorsWriter.pytorch().write(path, TensorSource.of(tensors));

    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      assertThat(file.metadata()).isEqualTo(Map.of("format", "pt"));
      assertThat(file.names()).containsExactlyInAnyOrderElementsOf(tensors.keySet());
      tensors
          .forEach((name, tensor) -> assertThat(Samples.same(file.tensor(name), tensor)).as(name).isTrue());
    }
    assertThat(files()).containsExactly("x.safetensors");
  }

  @Test
  void sortsTheWidestTypeFirstThenByCodePoint() throws IOException {
    Map<String, HostTensor> tensors = new LinkedHashMap<>();
    for (DType type : DType.values()) {
      tensors.put("b" + type, HostTensor.zeros(type, Shape.of(1)));
      tensors.put("a" + type, HostTensor.zeros(type, Shape.of(1)));
    }
    tensors.put("\uFFFF", HostTensor.zeros(DType.I64, Shape.of(1)));
    tensors.put("😀", HostTensor.zeros(DType.I64, Shape.of(1)));
    Path path = folder.resolve("x.safetensors");
    SafetensorsWriter.withMetadata(Map.of()).write(path, TensorSource.of(tensors));

    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      assertThat(file.names()).containsExactly("aI64", "bI64", "\uFFFF", "😀", "aF64", "bF64", "aF32", "bF32",
          "aI32", "bI32", "aBF16", "bBF16", "aF16", "bF16", "aI8", "bI8", "aU8", "bU8", "aBOOL", "bBOOL");
    }
  }

  @Test
  void asksForOneTensorAtATime() throws IOException {
    Path path = folder.resolve("x.safetensors");
    StringBuilder calls = new StringBuilder();
    Map<String, HostTensor> tensors = Map.of("a", HostTensor.ofFloats(Shape.of(1), 1),
        "b", HostTensor.ofFloats(Shape.of(1), 2));
    TensorSource known = TensorSource.of(tensors);
    TensorSource lazy = TensorSource.of(
        new LinkedHashMap<>(Map.of("a", known.signature("a"), "b", known.signature("b"))), name -> {
          calls.append(name).append(sizeOfDraft()).append(' ');
          return known.tensor(name);
        });
    SafetensorsWriter.pytorch().write(path, lazy);

    long header = Files.size(path) - 8;
    assertThat(calls).hasToString("a" + header + " b" + (header + 4) + " ");
  }

  private long sizeOfDraft() {
    try (Stream<Path> list = Files.list(folder)) {
      return Files.size(list.findFirst().orElseThrow());
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "F64", "BF16", "F16"})
  void refusesNonFiniteValuesAndLeavesTheOldFile(DType type) throws IOException {
    Path path = folder.resolve("x.safetensors");
    Files.writeString(path, "old");
    for (double bad : new double[]{Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY}) {
      HostTensor tensor = HostTensor.zeros(type, Shape.of(100, 200));
      tensor.set(17_003, bad);
      TensorSource tensors = TensorSource.of(Map.of("w", tensor));

      assertThatThrownBy(() -> SafetensorsWriter.pytorch().refusingNonFinite().write(path, tensors))
          .isInstanceOf(GraftException.class)
          .hasMessageContainingAll("tensor w", "x.safetensors", "not finite", "[85, 3]", "" + bad);
      assertThat(path).hasContent("old");
      assertThat(files()).containsExactly("x.safetensors");
    }
  }

  @Test
  void writesNonFiniteValuesUnlessAskedNotTo() {
    Path path = folder.resolve("x.safetensors");
    SafetensorsWriter.pytorch().write(path,
        TensorSource.of(Map.of("w", HostTensor.ofFloats(Shape.of(1), Float.NaN))));

    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      assertThat(file.tensor("w").item()).isNaN();
    }
  }

  @Test
  void findsTheLargestFiniteValuesFinite() {
    for (DType type : new DType[]{DType.F32, DType.F64, DType.F16, DType.BF16}) {
      HostTensor tensor = HostTensor.zeros(type, Shape.of(20_000));
      tensor.set(19_999, type.lowest());
      assertThat(NonFinite.first(tensor)).as(type.toString()).isEmpty();
    }
  }

  @Test
  void refusesNamesThatTheFormatCannotHold() {
    HostTensor tensor = HostTensor.ofFloats(Shape.of(1), 1);
    for (String name : List.of("__metadata__", "\uD800")) {
      assertThatThrownBy(() -> SafetensorsWriter.pytorch().write(folder.resolve("x"),
          TensorSource.of(Map.of(name, tensor)))).isInstanceOf(GraftException.class);
    }
  }

  @Test
  void namesAPlaceItCannotWriteTo() {
    Path path = folder.resolve("absent").resolve("x.safetensors");

    assertThatThrownBy(() -> SafetensorsWriter.pytorch().write(path, TensorSource.of(Map.of())))
        .isInstanceOf(GraftException.class).hasMessageContaining(path.toString());
  }

  private List<String> files() throws IOException {
    try (Stream<Path> list = Files.list(folder)) {
      return list.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }
}
