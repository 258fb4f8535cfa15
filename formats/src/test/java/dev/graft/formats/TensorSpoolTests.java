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
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class TensorSpoolTests {
  @TempDir
  Path folder;

  @Test
  void tensorsOfAnyTypeComeBackInTheirOrder() {
    HostTensor bytes = HostTensor.ofBytes(DType.U8, Shape.of(3, 1), (byte) 1, (byte) 2, (byte) 255);
    HostTensor floats = HostTensor.ofFloats(Shape.of(2, 2), 1, -2, 3, 4.5f);
    try (TensorSpool spool = TensorSpool.beside(folder.resolve("sub/out"))) {
      spool.add("b", bytes);
      spool.add("a", floats);
      spool.add("empty", HostTensor.zeros(DType.F32, Shape.of(0)));
      assertThat(spool.names()).containsExactly("b", "a", "empty");
      assertThat(spool.tensor("a").toFloats()).containsExactly(1, -2, 3, 4.5f);
      assertThat(spool.tensor("b").toLongs()).containsExactly(1, 2, 255);
      assertThat(spool.tensor("b").shape()).isEqualTo(Shape.of(3, 1));
      assertThat(spool.tensor("empty").shape().size()).isZero();
      spool.add("later", floats);
      assertThat(spool.tensor("later").toFloats()).containsExactly(1, -2, 3, 4.5f);
      assertThatThrownBy(() -> spool.tensor("none")).isInstanceOf(GraftException.class)
          .hasMessageContaining("none");
    }
  }

  @Test
  @DisabledOnOs(OS.WINDOWS)
  void theFileHasNoNameWhileItIsOpen() throws IOException {
    try (TensorSpool spool = TensorSpool.beside(folder.resolve("out"))) {
      spool.add("a", HostTensor.zeros(DType.F32, Shape.of(1000)));
      try (Stream<Path> files = Files.list(folder)) {
        assertThat(files).isEmpty();
      }
    }
  }

  @Test
  void nothingIsLeftAfterClosing() throws IOException {
    TensorSpool.beside(folder.resolve("out")).close();
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files).isEmpty();
    }
  }

  @Test
  void sourcesAreJoinedAndThinnedOut() {
    TensorSource two = TensorSource.of(Map.of("a", HostTensor.scalar(DType.F32, 1))).and(
        TensorSource.of(Map.of("b", HostTensor.scalar(DType.F64, 2))));
    assertThat(two.names()).containsExactly("a", "b");
    assertThat(two.tensor("a").item()).isEqualTo(1);
    assertThat(two.signature("b").dtype()).isEqualTo(DType.F64);
    assertThat(two.without(Set.of("a")).names()).containsExactly("b");
    assertThatThrownBy(() -> two.without(Set.of("a")).tensor("a"))
        .isInstanceOf(GraftException.class);
    assertThatThrownBy(() -> two.and(two)).isInstanceOf(GraftException.class)
        .hasMessageContaining("two tensors");
  }

  @Test
  void releasedPagesKeepTheirValues() {
    Path file = folder.resolve("x.safetensors");
    float[] values = new float[100_000];
    for (int i = 0; i < values.length; i++) {
      values[i] = i;
    }
    SafetensorsWriter.pytorch().write(file,
        TensorSource.of(Map.of("x", HostTensor.ofFloats(Shape.of(values.length), values))));
    try (SafetensorsFile opened = SafetensorsFile.open(file)) {
      HostTensor mapped = opened.tensor("x");
      assertThat(mapped.toFloats()).isEqualTo(values);
      MappedPages.release(mapped);
      assertThat(mapped.toFloats()).isEqualTo(values);
    }
    MappedPages.release(HostTensor.scalar(DType.F32, 1));
  }

  @Test
  void aMatrixIsTransposedWhateverItsType() {
    for (DType type : new DType[]{DType.F32, DType.F64, DType.BF16, DType.F16, DType.I64, DType.U8}) {
      HostTensor matrix = HostTensor.zeros(type, Shape.of(2, 3));
      for (int i = 0; i < 6; i++) {
        matrix.set(i, (long) i);
      }
      assertThat(Matrices.transpose(matrix).toDoubles()).containsExactly(0, 3, 1, 4, 2, 5);
      assertThat(Matrices.transpose(matrix).shape()).isEqualTo(Shape.of(3, 2));
    }
  }
}
