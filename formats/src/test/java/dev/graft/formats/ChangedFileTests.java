package dev.graft.formats;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.error.GraftException;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Changes files of weights while they are open. */
class ChangedFileTests {
  private static final long SIZE = 1 << 20;

  @TempDir
  Path folder;

  private Path weights = Path.of("");

  @BeforeEach
  void writeModel() throws IOException {
    weights = folder.resolve("model.safetensors");
    write(weights);
    Files.writeString(folder.resolve("config.json"), "{}");
    // Long ago, so that the next write has another time however coarse the clock is.
    Files.setLastModifiedTime(weights, FileTime.fromMillis(1_000_000_000_000L));
  }

  private static void write(Path file) {
    SafetensorsWriter.pytorch().write(file,
        TensorSource.of(Map.of("a", HostTensor.zeros(DType.F32, Shape.of(SIZE)))));
  }

  private static void truncate(Path file) throws IOException {
    try (RandomAccessFile open = new RandomAccessFile(file.toFile(), "rw")) {
      open.setLength(4096);
    }
  }

  @Test
  void anUnchangedModelPasses() {
    try (ModelFolder model = ModelFolder.open(folder)) {
      model.tensor("a");
      model.verifyUnchanged();
    }
  }

  @Test
  void bytesWrittenInPlaceShow() throws IOException {
    try (ModelFolder model = ModelFolder.open(folder)) {
      try (RandomAccessFile open = new RandomAccessFile(weights.toFile(), "rw")) {
        open.seek(open.length() - 4);
        open.writeInt(7);
      }

      assertThatThrownBy(model::verifyUnchanged).isInstanceOf(GraftException.class)
          .hasMessageContainingAll(weights.toString(), "was changed");
    }
  }

  @Test
  void aFileThatIsCutShortIsRefusedBeforeItIsRead() throws IOException {
    try (ModelFolder model = ModelFolder.open(folder)) {
      truncate(weights);

      assertThatThrownBy(() -> model.tensor("a")).isInstanceOf(GraftException.class)
          .hasMessageContainingAll(weights.toString(), "cut short");
      assertThatThrownBy(model::verifyUnchanged).isInstanceOf(GraftException.class)
          .hasMessageContaining("cut short");
    }
  }

  @Test
  void aFileThatIsCutShortWhileItIsReadEndsInASentence() throws IOException {
    try (ModelFolder model = ModelFolder.open(folder)) {
      HostTensor tensor = model.tensor("a");
      truncate(weights);

      assertThatThrownBy(() -> NonFinite.first(tensor)).isInstanceOf(GraftException.class)
          .hasMessageContaining("cut short");
      assertThatThrownBy(() -> TensorCasts.cast(tensor, DType.BF16)).isInstanceOf(GraftException.class)
          .hasMessageContaining("cut short");
    }
  }

  @Test
  void aFileThatIsReplacedOrDeletedStaysAsItWas() throws IOException {
    try (ModelFolder model = ModelFolder.open(folder)) {
      Path other = folder.resolve("other");
      Files.writeString(other, "short");
      Files.move(other, weights, StandardCopyOption.REPLACE_EXISTING);
      assertThat(model.tensor("a").at(SIZE - 1)).isZero();
      model.verifyUnchanged();

      Files.delete(weights);
      assertThat(model.tensor("a").at(SIZE - 1)).isZero();
      model.verifyUnchanged();
    }
  }

  @Test
  void anInterruptClosesNothing() {
    try (ModelFolder model = ModelFolder.open(folder)) {
      Thread.currentThread().interrupt();
      try {
        model.tensor("a");
      } finally {
        assertThat(Thread.interrupted()).isTrue();
      }
      assertThat(model.tensor("a").at(0)).isZero();
    }
  }
}
