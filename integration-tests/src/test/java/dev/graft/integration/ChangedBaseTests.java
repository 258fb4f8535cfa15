package dev.graft.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.core.GraftAdapter;
import dev.graft.core.GraftModel;
import dev.graft.core.ModelOptions;
import dev.graft.core.PluginCatalog;
import dev.graft.core.RunOptions;
import dev.graft.core.TokenBatch;
import dev.graft.core.TrainingListener;
import dev.graft.core.TrainingOptions;
import dev.graft.core.TrainingRun;
import dev.graft.error.GraftException;
import dev.graft.formats.Checkpoints;
import dev.graft.graph.DType;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Changes the base model's file while an adapter is trained, and between a run's stop and its going on. */
class ChangedBaseTests {
  private static final int STEPS = 6;

  private final PluginCatalog plugins = PluginCatalog.discover(ChangedBaseTests.class.getClassLoader());

  @TempDir
  Path folder = Path.of("");

  private Path model = Path.of("");
  private Path weights = Path.of("");

  @BeforeEach
  void copyModel() throws IOException {
    model = Files.createDirectory(folder.resolve("model"));
    try (Stream<Path> files = Files.list(SmallModel.FOLDER)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Files.copy(file, model.resolve(file.getFileName()));
      }
    }
    weights = model.resolve("model.safetensors");
  }

  /** Something that is done to a file. */
  private interface Change {
    void apply(Path file) throws IOException;
  }

  private TrainingRun.Outcome train(String backend, Change change, int atStep, boolean resume) {
    try (GraftModel open = GraftModel.open(model, new ModelOptions(Optional.of(backend), DType.F32, 1),
        plugins)) {
      GraftAdapter adapter = open.attach("lora", Map.of("r", 2L));
      try (TrainingRun run = new TrainingRun(adapter, TrainingOptions.of(STEPS, 1e-3),
          new RunOptions(folder.resolve("run"), 1, 9, 0), Map.of())) {
        TrainingListener listener = report -> {
          try {
            if (report.step() == atStep) {
              change.apply(weights);
            }
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        };
        assertThat(resume && run.resume(listener)).isEqualTo(resume);
        return run.train(step -> List.of(batch(step)), List.of(), listener, () -> false);
      }
    }
  }

  private static TokenBatch batch(long step) {
    long[] ids = {3, 4 + step, 5, 6};
    long[] mask = new long[ids.length];
    Arrays.fill(mask, 1);
    return new TokenBatch(1, ids.length, ids, mask, ids.clone());
  }

  private static void overwrite(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.allocate(64), channel.size() / 2);
    }
  }

  private static void truncate(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      channel.truncate(channel.size() / 2);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"reference", "djl"})
  void aFileThatIsOverwrittenEndsTheRunWithoutASave(String backend) {
    assertEnds(backend, ChangedBaseTests::overwrite);
  }

  @ParameterizedTest
  @ValueSource(strings = {"reference", "djl"})
  void aFileThatIsTruncatedEndsTheRunWithoutASave(String backend) {
    assertEnds(backend, ChangedBaseTests::truncate);
  }

  private void assertEnds(String backend, Change change) {
    assertThatThrownBy(() -> train(backend, change, 3, false)).isInstanceOf(GraftException.class)
        .hasMessageContaining(weights.toString()).hasMessageContaining("while it was in use");
    assertThat(new Checkpoints(folder.resolve("run"), 9).steps()).containsExactly(1L, 2L);
    assertThat(folder.resolve("run").resolve("adapter_model.safetensors")).doesNotExist();
  }

  @Test
  void aFileThatIsReplacedOrDeletedIsStillThereForTheRun() {
    assertThat(train("djl", file -> {
      Path other = Files.write(file.resolveSibling("other"), new byte[8]);
      Files.move(other, file, StandardCopyOption.REPLACE_EXISTING);
    }, 2, false)).isEqualTo(TrainingRun.Outcome.FINISHED);
  }

  @Test
  void aRunGoesOnWithTheSameWeightsAlone() throws IOException {
    Path aside = Files.copy(weights, folder.resolve("aside"));
    assertThatThrownBy(() -> train("reference", ChangedBaseTests::truncate, 3, false))
        .isInstanceOf(GraftException.class);
    Files.copy(aside, weights, StandardCopyOption.REPLACE_EXISTING);
    overwrite(weights);
    assertThatThrownBy(() -> train("reference", _ -> {
    }, 0, true)).isInstanceOf(GraftException.class)
        .hasMessageContaining("the content of the base model's weights has changed");
    Files.copy(aside, weights, StandardCopyOption.REPLACE_EXISTING);
    assertThatThrownBy(() -> train("djl", _ -> {
    }, 0, true)).isInstanceOf(GraftException.class).hasMessageContaining("backend was");
    assertThat(train("reference", _ -> {
    }, 0, true)).isEqualTo(TrainingRun.Outcome.FINISHED);
  }
}
