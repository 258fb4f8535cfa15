package dev.graft.formats;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.error.GraftException;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointsTests {
  @TempDir
  Path folder;

  @Test
  void bringsBackWhatWasSaved() {
    Map<String, HostTensor> tensors = Samples.everyType(3);
    Map<String, Object> state = Map.of("loss", 0.1, "rng", Map.of("key", Long.MIN_VALUE, "counter", 7L),
        "history", List.of(1.5, Double.NaN), "name", "é");
    new Checkpoints(folder.resolve("run"), 1).save(12, TensorSource.of(tensors), state);

    try (Checkpoint checkpoint = new Checkpoints(folder.resolve("run"), 1).open(12)) {
      assertThat(checkpoint.step()).isEqualTo(12);
      assertThat(checkpoint.state()).isEqualTo(state);
      assertThat(checkpoint.names()).containsExactlyInAnyOrderElementsOf(tensors.keySet());
      tensors.forEach(
          (name, tensor) -> assertThat(Samples.same(checkpoint.tensor(name), tensor)).as(name).isTrue());
    }
  }

  @Test
  void keepsTheLastFew() throws IOException {
    Checkpoints checkpoints = new Checkpoints(folder, 2);
    for (long step : new long[]{5, 10, 100}) {
      save(checkpoints, step);
    }

    assertThat(checkpoints.steps()).containsExactly(10L, 100L);
    assertThat(names()).containsExactly("checkpoint-10", "checkpoint-100");
  }

  @Test
  void neverDeletesWhatItHasJustSaved() {
    Checkpoints checkpoints = new Checkpoints(folder, 1);
    save(checkpoints, 100);
    save(checkpoints, 50);

    assertThat(checkpoints.steps()).containsExactly(50L, 100L);
  }

  @Test
  void replacesACheckpointOfTheSameStep() throws IOException {
    Checkpoints checkpoints = new Checkpoints(folder, 1);
    save(checkpoints, 5);
    checkpoints.save(5, TensorSource.of(Map.of()), Map.of("again", true));

    try (Checkpoint checkpoint = checkpoints.open(5)) {
      assertThat(checkpoint.state()).isEqualTo(Map.of("again", true));
    }
    assertThat(names()).containsExactly("checkpoint-5");
  }

  @Test
  void passesOverDamagedCheckpointsAndTellsWhy() throws IOException {
    Checkpoints checkpoints = new Checkpoints(folder, 9);
    for (long step = 1; step <= 4; step++) {
      save(checkpoints, step);
    }
    Path flipped = folder.resolve("checkpoint-4").resolve("training_state.safetensors");
    byte[] bytes = Files.readAllBytes(flipped);
    bytes[bytes.length - 1] ^= 1;
    Files.write(flipped, bytes);
    Files.writeString(folder.resolve("checkpoint-3").resolve("training_state.json"), "{");
    Files.delete(folder.resolve("checkpoint-2").resolve("training_state.safetensors"));

    List<String> skipped = new ArrayList<>();
    try (Checkpoint latest = checkpoints.latest(skipped::add).orElseThrow()) {
      assertThat(latest.step()).isEqualTo(1);
    }
    assertThat(skipped).hasSize(3);
    assertThat(skipped.get(0)).contains("checkpoint-4", "checksum");
    assertThat(skipped.get(1)).contains("checkpoint-3", "training_state.json");
    assertThat(skipped.get(2)).contains("checkpoint-2", "missing");
  }

  @Test
  void leavesFoldersOfOthersAlone() throws IOException {
    Path foreign = Files.createDirectories(folder.resolve("checkpoint-7"));
    Files.writeString(foreign.resolve("trainer_state.json"), "{}");
    Checkpoints checkpoints = new Checkpoints(folder, 1);
    save(checkpoints, 8);
    save(checkpoints, 9);

    assertThat(checkpoints.steps()).containsExactly(9L);
    assertThat(foreign.resolve("trainer_state.json")).exists();
    assertThatThrownBy(() -> save(checkpoints, 7)).isInstanceOf(GraftException.class)
        .hasMessageContainingAll("checkpoint-7", "in the way");
  }

  @Test
  void cleansUpAfterASaveThatWasCutShort() throws IOException {
    Path draft = Files.createDirectories(folder.resolve(".checkpoint-3.graft-draft"));
    Files.writeString(draft.resolve("training_state.safetensors"), "half");
    Checkpoints checkpoints = new Checkpoints(folder, 1);

    assertThat(checkpoints.latest(skipped -> {
      throw new AssertionError(skipped);
    })).isEmpty();
    save(checkpoints, 4);
    assertThat(names()).containsExactly("checkpoint-4");
  }

  @Test
  void finishesNothingWhereNothingIs() {
    assertThat(new Checkpoints(folder.resolve("absent"), 1).steps()).isEmpty();
    assertThatThrownBy(() -> new Checkpoints(folder, 1).open(3)).isInstanceOf(GraftException.class)
        .hasMessageContainingAll("checkpoint-3", "missing");
    assertThatThrownBy(() -> new Checkpoints(folder, 0)).isInstanceOf(GraftException.class);
    assertThatThrownBy(() -> save(new Checkpoints(folder, 1), -1)).isInstanceOf(GraftException.class);
  }

  @Test
  void refusesAFormatOfAnotherVersion() throws IOException {
    Checkpoints checkpoints = new Checkpoints(folder, 1);
    save(checkpoints, 1);
    Path state = folder.resolve("checkpoint-1").resolve("training_state.json");
    Files.writeString(state, Files.readString(state).replace("\"version\": 1", "\"version\": 2"));

    assertThatThrownBy(() -> checkpoints.open(1)).isInstanceOf(GraftException.class)
        .hasMessageContaining("version 2");
  }

  private static void save(Checkpoints checkpoints, long step) {
    checkpoints.save(step, TensorSource.of(Map.of("w", HostTensor.ofFloats(Shape.of(1), step))),
        Map.of("step", step));
  }

  private List<String> names() throws IOException {
    try (Stream<Path> list = Files.list(folder)) {
      return list.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }
}
