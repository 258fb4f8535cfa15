package dev.graft.spi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.graft.error.GraftException;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LibraryFolderTests {
  private static final String NAME = "torch/1.0-linux";

  @TempDir
  Path folder;

  private final byte[] bytes = new byte[100_000];
  private Map<String, URL> libraries = Map.of();
  private Path root = Path.of("");

  @BeforeEach
  void pack() throws IOException {
    new Random(1).nextBytes(bytes);
    Path jar = folder.resolve("natives.jar");
    try (OutputStream out = Files.newOutputStream(jar); JarOutputStream entries = new JarOutputStream(out)) {
      entries.putNextEntry(new JarEntry("lib/one.so"));
      entries.write(bytes);
      entries.putNextEntry(new JarEntry("lib/two.so"));
      entries.write("two".getBytes(StandardCharsets.UTF_8));
    }
    String prefix = "jar:" + jar.toUri() + "!/lib/";
    libraries = Map.of("one.so", URI.create(prefix + "one.so").toURL(), "two.so",
        URI.create(prefix + "two.so").toURL());
    root = folder.resolve("cache/graft");
  }

  private Path unpacked() throws IOException {
    Path place = LibraryFolder.of(root).unpack(NAME, libraries);
    assertThat(place.resolve("one.so")).hasBinaryContent(bytes);
    assertThat(place.resolve("two.so")).hasContent("two");
    return place;
  }

  private static void assumePosix() {
    assumeTrue(FileSystems.getDefault().supportedFileAttributeViews().contains("unix"));
  }

  @Test
  void librariesAreUnpackedOnceIntoAFolderThatOnlyTheUserEnters() throws IOException {
    Path place = unpacked();
    FileTime before = Files.getLastModifiedTime(place.resolve("one.so"));
    assertThat(unpacked()).isEqualTo(place);
    assertThat(Files.getLastModifiedTime(place.resolve("one.so"))).isEqualTo(before);
    assumePosix();
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(root))).isEqualTo("rwx------");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(place))).isEqualTo("rwx------");
  }

  @Test
  void aLibraryThatIsCutShortOrChangedOrGoneIsUnpackedAgain() throws IOException {
    Path one = unpacked().resolve("one.so");
    Files.write(one, Arrays.copyOf(bytes, bytes.length / 2));
    unpacked();
    byte[] changed = bytes.clone();
    changed[bytes.length - 1] ^= 1;
    Files.write(one, changed);
    unpacked();
    Files.delete(one);
    unpacked();
  }

  @Test
  void whatSomeoneElseUnpackedWellIsTakenAsItIs() throws IOException {
    Path place = unpacked();
    Files.delete(place.resolve("unpacked.txt"));
    Files.setLastModifiedTime(place.resolve("one.so"), FileTime.fromMillis(1_000_000));
    unpacked();
    assertThat(Files.getLastModifiedTime(place.resolve("one.so")).toMillis()).isEqualTo(1_000_000);
  }

  @Test
  void whatAKilledProcessLeftIsRemoved() throws IOException {
    Path left = root.resolve("torch/0.9-linux.unpacking");
    LibraryFolder.of(root);
    Files.createDirectories(left);
    Files.write(left.resolve("one.so"), bytes);
    Files.createDirectories(root.resolve("torch/1.0-linux.unpacking"));
    unpacked();
    try (Stream<Path> inside = Files.list(root.resolve("torch"))) {
      assertThat(inside).containsExactly(root.resolve(NAME));
    }
  }

  @Test
  void aFolderThatOthersCanWriteToIsRefusedWithItsName() throws IOException {
    assumePosix();
    Path place = unpacked();
    for (Path open : new Path[]{place.resolve("one.so"), place, place.getParent(), root}) {
      Set<PosixFilePermission> before = Files.getPosixFilePermissions(open);
      Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rwxrwxrwx"));
      assertThatThrownBy(this::unpacked).isInstanceOf(GraftException.class)
          .hasMessageContaining("Others can write to " + open);
      Files.setPosixFilePermissions(open, before);
    }
    unpacked();
  }

  @Test
  void aFolderOfAnotherUserIsRefused() throws IOException {
    assumePosix();
    LibraryFolder.of(root);
    try {
      Files.setAttribute(root, "unix:uid", 12_345);
    } catch (IOException e) {
      assumeTrue(false, "Only the administrator can give a folder away");
    }
    assertThatThrownBy(() -> LibraryFolder.of(root)).isInstanceOf(GraftException.class)
        .hasMessageContaining(root + " belongs to another user");
  }

  @Test
  void aFileInTheWayOfTheFolderIsNamed() throws IOException {
    Files.writeString(folder.resolve("cache"), "");
    assertThatThrownBy(() -> LibraryFolder.of(root)).isInstanceOf(GraftException.class)
        .hasMessageContaining(root.toString());
  }
}
