package dev.graft.formats;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.error.GraftException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FolderLockTests {
  private static final int WRITERS = 4;
  private static final int KILLS = 5;

  @TempDir
  Path folder;

  /** Takes the lock again and again; while it has it, it alone writes the folder's owner. */
  static final class Writer {
    private Writer() {
    }

    public static void main(String[] args) throws IOException, InterruptedException {
      Path folder = Path.of(args[0]);
      Path journal = Path.of(args[1]);
      String me = Long.toString(ProcessHandle.current().pid());
      while (true) {
        try (FolderLock _ = FolderLock.of(folder)) {
          Files.writeString(folder.resolve("owner"), me);
          Thread.sleep(3);
          String owner = Files.readString(folder.resolve("owner"));
          Files.writeString(journal, owner.equals(me) ? "alone\n" : "two at once\n",
              StandardOpenOption.CREATE,
              StandardOpenOption.APPEND);
        } catch (GraftException e) {
          Thread.sleep(1);
        }
      }
    }
  }

  @Test
  void aFolderHasOneOwnerAtATimeThoughOwnersAreKilled() throws Exception {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    Path journal = folder.resolve("journal");
    Path shared = folder.resolve("shared");
    List<Process> writers = new ArrayList<>();
    try {
      for (int i = 0; i < WRITERS; i++) {
        writers.add(start(shared, journal));
      }
      for (int kill = 0; kill < KILLS; kill++) {
        long before = lines(journal);
        while (lines(journal) < before + 20) {
          assertThat(writers).as("seed " + seed).allMatch(Process::isAlive);
          Thread.sleep(5);
        }
        Thread.sleep(random.nextInt(20));
        writers.remove(random.nextInt(writers.size())).destroyForcibly().waitFor();
        writers.add(start(shared, journal));
      }
    } finally {
      for (Process writer : writers) {
        writer.destroyForcibly().waitFor(1, TimeUnit.MINUTES);
      }
    }
    assertThat(Files.readAllLines(journal)).as("seed " + seed).containsOnly("alone");
    FolderLock.of(shared).close();
    assertThat(shared.resolve(FolderLock.NAME)).doesNotExist();
  }

  private static Process start(Path shared, Path journal) throws IOException {
    return new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-cp",
        System.getProperty("java.class.path"), Writer.class.getName(), shared.toString(), journal.toString())
        .redirectOutput(ProcessBuilder.Redirect.INHERIT).redirectError(ProcessBuilder.Redirect.INHERIT)
        .start();
  }

  private static long lines(Path file) throws IOException {
    return Files.exists(file) ? Files.readAllLines(file).size() : 0;
  }

  @Test
  void theSecondIsToldWhoHasIt() throws Exception {
    Path shared = folder.resolve("shared");
    Process writer = start(shared, folder.resolve("journal"));
    try {
      while (lines(folder.resolve("journal")) == 0) {
        Thread.sleep(5);
      }
      String message = "";
      while (message.isEmpty()) {
        try {
          FolderLock.of(shared).close();
        } catch (GraftException e) {
          message = String.valueOf(e.getMessage());
        }
      }
      assertThat(message).contains(shared.toString(), "is in use");
    } finally {
      writer.destroyForcibly().waitFor();
    }
  }

  @Test
  void aThreadOfTheSameProcessIsRefusedToo() {
    try (FolderLock _ = FolderLock.of(folder)) {
      assertThatThrownBy(() -> FolderLock.of(folder)).isInstanceOf(GraftException.class)
          .hasMessageContaining("this process");
    }
    FolderLock.of(folder).close();
  }

  @Test
  void aFolderThatWasMadeForTheLockGoesWithItUnlessItIsUsed() throws IOException {
    Path fresh = folder.resolve("a").resolve("b");
    FolderLock.of(fresh).close();
    assertThat(fresh).doesNotExist();
    try (FolderLock _ = FolderLock.of(fresh)) {
      Files.writeString(fresh.resolve("file"), "text");
    }
    assertThat(fresh.resolve("file")).hasContent("text");
    FolderLock.of(folder).close();
    assertThat(folder).exists();
  }

  @Test
  void twoWritersOfAModelDoNotMeet() throws IOException {
    Path model = folder.resolve("m");
    try (FolderLock _ = FolderLock.beside(model)) {
      assertThatThrownBy(() -> new ModelFolderWriter(SafeFiles.DISK, 100, true).write(model,
          Map.of("a", 1), TensorSource.of(Map.of()), List.of()))
          .isInstanceOf(GraftException.class).hasMessageContaining("is in use");
    }
  }
}
