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
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Ends saves between any two steps and asks what a reader finds: generation 1, 2 or 3, never a mix. */
class CrashTests {
  private static final int MANY = 100_000;

  @TempDir
  Path folder;

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void anAdapterIsTheOldPairOrTheNewOne(boolean losesPower) throws IOException {
    Set<Long> seen = new HashSet<>();
    boolean done = false;
    for (int steps = 0; !done; steps++) {
      Path adapter = folder.resolve("adapter-" + steps);
      saveAdapter(adapter, 1, new CrashingOperations(MANY, false));
      Files.writeString(adapter.resolve("README.md"), "mine");
      done = saveAdapter(adapter, 2, new CrashingOperations(steps, losesPower));
      String where = "after " + steps + " steps";

      long found = adapterGeneration(adapter);
      assertThat(found).as(where).isIn(done ? List.of(2L) : List.of(1L, 2L));
      seen.add(found);
      assertForeignReaderSeesNoMix(adapter, where);
      assertThat(adapter.resolve("README.md")).hasContent("mine");

      assertThat(saveAdapter(adapter, 3, new CrashingOperations(MANY, false))).isTrue();
      assertThat(adapterGeneration(adapter)).as(where).isEqualTo(3);
      assertForeignReaderSeesNoMix(adapter, where);
      assertThat(names(adapter)).as(where).containsExactly("README.md", "adapter_config.json",
          "adapter_model.safetensors", "graft_training.safetensors");
    }
    assertThat(seen).containsExactlyInAnyOrder(1L, 2L);
  }

  @Test
  void aSaveThatFinishesAnEarlierOneMayCrashToo() throws IOException {
    boolean firstDone = false;
    for (int first = 0; !firstDone; first++) {
      boolean secondDone = false;
      for (int second = 0; !secondDone; second++) {
        Path adapter = folder.resolve("adapter-" + first + "-" + second);
        saveAdapter(adapter, 1, new CrashingOperations(MANY, false));
        firstDone = saveAdapter(adapter, 2, new CrashingOperations(first, false));
        long before = adapterGeneration(adapter);
        secondDone = saveAdapter(adapter, 3, new CrashingOperations(second, true));

        assertThat(adapterGeneration(adapter)).as("%d steps, then %d", first, second).isIn(before, 3L);
        assertForeignReaderSeesNoMix(adapter, first + " steps, then " + second);
      }
    }
  }

  @Test
  void aFirstSaveIsWholeOrNotThere() throws IOException {
    boolean done = false;
    for (int steps = 0; !done; steps++) {
      Path adapter = folder.resolve("new-" + steps).resolve("adapter");
      done = saveAdapter(adapter, 1, new CrashingOperations(steps, true));
      try {
        assertThat(adapterGeneration(adapter)).isEqualTo(1);
      } catch (GraftException e) {
        assertThat(done).isFalse();
        assertThat(e).hasMessageContaining("adapter_config.json");
      }
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aModelIsTheOldOneOrTheNewOneOrNamedAsSetAside(boolean losesPower) throws IOException {
    Set<Long> seen = new HashSet<>();
    boolean done = false;
    for (int steps = 0; !done; steps++) {
      Path model = folder.resolve("model-" + steps).resolve("m");
      saveModel(model, 1, new CrashingOperations(MANY, false));
      done = saveModel(model, 2, new CrashingOperations(steps, losesPower));
      String where = "after " + steps + " steps";
      try {
        seen.add(modelGeneration(model));
      } catch (GraftException e) {
        seen.add(0L);
        assertThat(done).isFalse();
        assertThat(e).as(where).hasMessageContaining(".m.graft-old");
        assertThat(modelGeneration(model.resolveSibling(".m.graft-old"))).as(where).isEqualTo(1);
      }
      assertThat(saveModel(model, 3, new CrashingOperations(MANY, false))).isTrue();
      assertThat(modelGeneration(model)).as(where).isEqualTo(3);
      assertThat(names(model.resolveSibling(""))).as(where).containsExactly("m");
    }
    assertThat(seen).containsExactlyInAnyOrder(0L, 1L, 2L);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void theLastWholeCheckpointIsFound(boolean losesPower) throws IOException {
    boolean done = false;
    for (int steps = 0; !done; steps++) {
      Path run = folder.resolve("run-" + steps);
      saveCheckpoint(run, 10, 1, new CrashingOperations(MANY, false));
      saveCheckpoint(run, 20, 2, new CrashingOperations(MANY, false));
      done = saveCheckpoint(run, 30, 3, new CrashingOperations(steps, losesPower));
      String where = "after " + steps + " steps";

      assertThat(latestGeneration(run, where)).as(where).isIn(done ? List.of(3L) : List.of(2L, 3L));
      saveCheckpoint(run, 40, 4, new CrashingOperations(MANY, false));
      assertThat(latestGeneration(run, where)).isEqualTo(4);
      assertThat(names(run)).as(where).hasSize(2).contains("checkpoint-40").allMatch(
          name -> name.startsWith("checkpoint-"));
    }
  }

  @Test
  void aCheckpointOfTheSameStepIsTheOldOneOrTheNewOne() throws IOException {
    boolean done = false;
    for (int steps = 0; !done; steps++) {
      Path run = folder.resolve("run-" + steps);
      saveCheckpoint(run, 10, 1, new CrashingOperations(MANY, false));
      done = saveCheckpoint(run, 10, 2, new CrashingOperations(steps, true));
      String where = "after " + steps + " steps";

      long found = latestGeneration(run, where);
      assertThat(found).as(where).isIn(done ? List.of(2L) : List.of(1L, 2L));
      saveCheckpoint(run, 20, 3, new CrashingOperations(MANY, false));
      assertThat(names(run)).as(where).containsExactly("checkpoint-10", "checkpoint-20");
      try (Checkpoint checkpoint = new Checkpoints(run, 2).open(10)) {
        assertThat(generation(checkpoint.state(), checkpoint)).as(where).isEqualTo(found);
      }
    }
  }

  @Test
  void aFileIsTheOldOneOrTheNewOne() throws IOException {
    boolean done = false;
    for (int steps = 0; !done; steps++) {
      Path file = Files.writeString(folder.resolve("file"), "old");
      CrashingOperations operations = new CrashingOperations(steps, true);
      try {
        new SafeFiles(operations).replace(file, Content.of("new"));
      } catch (CrashingOperations.Crash _) {
        assertThat(operations.crashed()).isTrue();
      }
      done = !operations.crashed();
      assertThat(Files.readString(file)).isIn(done ? List.of("new") : List.of("old", "new"));
    }
  }

  /** Saves an adapter; those of generations 1 and 3 have a third file, of parameters for training alone. */
  private static boolean saveAdapter(Path adapter, long generation, CrashingOperations operations) {
    TensorSource tensors = TensorSource.of(tensors(generation));
    return survives(operations, () -> AdapterFolder.save(adapter, config(generation), tensors,
        Optional.of(tensors).filter(_ -> generation != 2), new SafeFiles(operations)));
  }

  private static boolean saveModel(Path model, long generation, CrashingOperations operations) {
    return survives(operations, () -> new ModelFolderWriter(new SafeFiles(operations), 100, true)
        .write(model, config(generation), TensorSource.of(tensors(generation)), List.of()));
  }

  private static boolean saveCheckpoint(Path run, long step, long generation,
      CrashingOperations operations) {
    return survives(operations, () -> new Checkpoints(run, 2, new SafeFiles(operations))
        .save(step, TensorSource.of(tensors(generation)), config(generation)));
  }

  private static boolean survives(CrashingOperations operations, Runnable save) {
    try {
      save.run();
    } catch (CrashingOperations.Crash _) {
      assertThat(operations.crashed()).isTrue();
    }
    return !operations.crashed();
  }

  private static Map<String, Object> config(long generation) {
    return Map.of("peft_type", "LORA", "generation", generation);
  }

  /** The number of tensors differs too, so that files of two generations differ in length. */
  private static Map<String, HostTensor> tensors(long generation) {
    Map<String, HostTensor> tensors = new LinkedHashMap<>();
    for (int i = 0; i < 2 + generation; i++) {
      tensors.put("t" + i, Samples.filled(DType.F32, Shape.of(4, 4), generation));
    }
    return tensors;
  }

  private static long adapterGeneration(Path folder) {
    try (AdapterFolder adapter = AdapterFolder.open(folder)) {
      long generation = generation(adapter.config(), adapter);
      if (generation == 2) {
        assertThatThrownBy(adapter::training).hasMessageContaining("cannot be trained further");
      } else {
        assertThat(generation(adapter.config(), adapter.training())).isEqualTo(generation);
      }
      return generation;
    }
  }

  private static long modelGeneration(Path folder) {
    try (ModelFolder model = ModelFolder.open(folder)) {
      return generation(model.config(), model);
    }
  }

  private static long latestGeneration(Path run, String where) {
    Checkpoint latest = new Checkpoints(run, 2).latest(skipped -> {
      throw new AssertionError(where + ": " + skipped);
    }).orElseThrow();
    try (latest) {
      return generation(latest.state(), latest);
    }
  }

  private static long generation(Map<String, ?> config, TensorSource tensors) {
    long generation = (Long) Objects.requireNonNull(config.get("generation"));
    assertThat(tensors.names()).hasSize((int) (2 + generation));
    for (String name : tensors.names()) {
      assertThat(tensors.tensor(name).toDoubles()).as(name).containsOnly(generation);
    }
    return generation;
  }

  /** Reads the two files as PEFT does, by their names alone. */
  private static void assertForeignReaderSeesNoMix(Path adapter, String where) {
    Path config = adapter.resolve("adapter_config.json");
    Path weights = adapter.resolve("adapter_model.safetensors");
    if (Files.exists(config) && Files.exists(weights)) {
      try (SafetensorsFile file = SafetensorsFile.open(weights)) {
        assertThat(generation(Json.readObject(config), file)).as(where).isBetween(1L, 3L);
      }
    }
  }

  private static Set<String> names(Path directory) throws IOException {
    try (Stream<Path> list = Files.list(directory)) {
      Set<String> names = new TreeSet<>();
      list.forEach(file -> names.add(file.getFileName().toString()));
      return names;
    }
  }
}
