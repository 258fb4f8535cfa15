package dev.graft.backend.djl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.graft.error.GraftException;
import dev.graft.spi.Availability;
import dev.graft.spi.Session;
import dev.graft.spi.SessionOptions;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Loads PyTorch in processes of their own, each with the folders that a test gives it. */
class NativeLibrariesTests {
  @TempDir
  Path folder;

  /** Opens a session and says where the native libraries were. */
  static final class Child {
    private Child() {
    }

    public static void main(String[] args) {
      try (Session _ = new DjlBackend().open(new SessionOptions(1))) {
        System.out.println("loaded from " + System.getProperty("ENGINE_CACHE_DIR"));
      } catch (GraftException e) {
        System.out.println("refused: " + e.getMessage());
      }
    }
  }

  @BeforeAll
  static void assumeNatives() {
    assumeTrue(new DjlBackend().availability() instanceof Availability.Available);
    assumeTrue(Files.isDirectory(Path.of("/proc/self")));
  }

  private String open(Map<String, String> environment, String... properties)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(
        List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-cp",
            System.getProperty("java.class.path"), "--enable-native-access=ALL-UNNAMED"));
    command.addAll(List.of(properties));
    command.add(Child.class.getName());
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().keySet().removeAll(List.of("XDG_CACHE_HOME", "ENGINE_CACHE_DIR", "DJL_CACHE_DIR"));
    builder.environment().putAll(environment);
    Process process = builder.start();
    String output = new String(process.getInputStream().readAllBytes());
    assertThat(process.waitFor()).as(output).isZero();
    return output.strip();
  }

  private Path library(Path root) throws IOException {
    try (Stream<Path> files = Files.walk(root)) {
      return files.filter(file -> file.getFileName().toString().endsWith("djl_torch.so")).findFirst()
          .orElseThrow();
    }
  }

  @Test
  void aTruncatedLibraryIsUnpackedAgainAndNotLoaded() throws Exception {
    Map<String, String> cache = Map.of("XDG_CACHE_HOME", folder.toString());
    Path root = folder.resolve("graft");
    assertThat(open(cache)).isEqualTo("loaded from " + root);
    Path library = library(root);
    long whole = Files.size(library);
    try (FileChannel cut = FileChannel.open(library, StandardOpenOption.WRITE)) {
      cut.truncate(whole / 3);
    }
    assertThat(open(cache)).isEqualTo("loaded from " + root);
    assertThat(Files.size(library)).isEqualTo(whole);
  }

  @Test
  void withoutAHomeTheSharedTemporaryFolderIsNotTrusted() throws Exception {
    String[] properties = {"-Duser.home=" + folder.resolve("nowhere"), "-Djava.io.tmpdir=" + folder};
    Path planted = Files.createDirectories(folder.resolve(".djl.ai/pytorch"));
    long user = ((Number) Files.getAttribute(folder, "unix:uid")).longValue();
    Path own = Files.createDirectory(folder.resolve("graft-" + user));
    Files.setPosixFilePermissions(own, PosixFilePermissions.fromString("rwxrwxrwx"));
    assertThat(open(Map.of(), properties)).startsWith("refused: ").contains(own.toString(), "chmod go-w");
    Files.setPosixFilePermissions(own, PosixFilePermissions.fromString("rwx------"));
    assertThat(open(Map.of(), properties)).isEqualTo("loaded from " + own);
    assertThat(planted).isEmptyDirectory();
  }
}
