package dev.graft.core.plugin;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.core.InstalledPlugin;
import dev.graft.core.PluginCatalog;
import dev.graft.error.GraftException;
import dev.graft.graph.DType;
import dev.graft.spi.CausalModel;
import dev.graft.spi.Configuration;
import dev.graft.spi.ModelFamily;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PluginFoldersTests {
  private static final String SERVICE = "META-INF/services/dev.graft.spi.ModelFamily";

  @TempDir
  Path folder = Path.of("");

  /** A family that this test packs into jars. */
  public static final class Packed implements ModelFamily {
    @Override
    public String id() {
      return "packed";
    }

    @Override
    public String description() {
      return "a family in a jar, computing in " + DType.F32;
    }

    @Override
    public Set<String> modelTypes() {
      return Set.of("packed");
    }

    @Override
    public CausalModel read(Configuration configuration) {
      throw new GraftException("there is no model in this family");
    }
  }

  /** Sees the product but not this test's own classes, so that they can come from a jar alone. */
  private static final class WithoutPacked extends ClassLoader {
    WithoutPacked() {
      super(PluginFoldersTests.class.getClassLoader());
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
      if (name.equals(Packed.class.getName())) {
        throw new ClassNotFoundException(name);
      }
      return super.loadClass(name, resolve);
    }
  }

  private Path jar(String name, String services) throws IOException {
    Path jar = folder.resolve(name);
    String type = Packed.class.getName().replace('.', '/') + ".class";
    try (OutputStream out = Files.newOutputStream(jar);
        JarOutputStream entries = new JarOutputStream(out);
        InputStream bytes = PluginFoldersTests.class.getResourceAsStream("/" + type)) {
      entries.putNextEntry(new JarEntry(SERVICE));
      entries.write(services.getBytes(StandardCharsets.UTF_8));
      entries.putNextEntry(new JarEntry(type));
      if (bytes == null) {
        throw new IOException(type + " is missing");
      }
      bytes.transferTo(entries);
    }
    return jar;
  }

  @Test
  void thePluginsOfAJarAreFoundWithTheJarTheyCameFrom() throws IOException {
    Path jar = jar("packed.jar", "# the service\n" + Packed.class.getName() + " # one of a kind\n");
    try (URLClassLoader loader = PluginFolders.loader(List.of(folder), new WithoutPacked())) {
      InstalledPlugin<ModelFamily> found = Objects
          .requireNonNull(PluginCatalog.discover(loader).families().get("packed"));
      assertThat(found.origin()).isEqualTo(jar.toRealPath().toString());
    }
  }

  @Test
  void theSameFolderTwiceIsOneFolder() throws IOException {
    jar("packed.jar", Packed.class.getName());
    Path again = folder.resolve("..").resolve(folder.getFileName());
    try (URLClassLoader loader = PluginFolders.loader(List.of(folder, again), new WithoutPacked())) {
      assertThat(loader.getURLs()).hasSize(1);
    }
  }

  @Test
  void aPluginInTwoJarsIsAnErrorThatNamesBoth() throws IOException {
    Path first = jar("packed-1.jar", Packed.class.getName());
    Path second = jar("packed-2.jar", Packed.class.getName());
    assertThatThrownBy(() -> PluginFolders.loader(List.of(folder), new WithoutPacked()))
        .isInstanceOf(GraftException.class).hasMessageContaining(Packed.class.getName())
        .hasMessageContaining(first.toRealPath().toString())
        .hasMessageContaining(second.toRealPath().toString());
  }

  @Test
  void aPluginThatIsInstalledAlreadyIsAnErrorThatNamesBothJars() throws IOException {
    Path jar = jar("packed.jar", Packed.class.getName());
    Path other = Files.createDirectory(folder.resolve("more"));
    Path copy = Files.copy(jar, other.resolve("copy.jar"));
    try (URLClassLoader installed = PluginFolders.loader(List.of(folder), new WithoutPacked())) {
      assertThatThrownBy(() -> PluginFolders.loader(List.of(other), installed))
          .isInstanceOf(GraftException.class).hasMessageContaining(jar.toRealPath().toString())
          .hasMessageContaining(copy.toRealPath().toString());
    }
  }

  @Test
  void aJarThatCannotBeReadIsNamed() throws IOException {
    Path broken = Files.writeString(folder.resolve("broken.jar"), "not a jar");
    assertThatThrownBy(() -> PluginFolders.loader(List.of(folder), new WithoutPacked()))
        .isInstanceOf(GraftException.class).hasMessageContaining(broken.toRealPath().toString());
  }

  @Test
  void aFolderWithoutJarsAndAPathThatIsNoFolderAreNamed() throws IOException {
    assertThatThrownBy(() -> PluginFolders.loader(List.of(folder), new WithoutPacked()))
        .isInstanceOf(GraftException.class).hasMessageContaining(folder.toString())
        .hasMessageContaining("no jar");
    Path file = Files.writeString(folder.resolve("file"), "");
    assertThatThrownBy(() -> PluginFolders.loader(List.of(file), new WithoutPacked()))
        .isInstanceOf(GraftException.class).hasMessageContaining(file.toString())
        .hasMessageContaining("not a folder");
  }

  @Test
  void aJarWhoseClassIsMissingDoesNotHinderTheOthers() throws IOException {
    jar("packed.jar", "org.example.Missing\n" + Packed.class.getName());
    try (URLClassLoader loader = PluginFolders.loader(List.of(folder), new WithoutPacked())) {
      PluginCatalog catalog = PluginCatalog.discover(loader);
      assertThat(catalog.families()).containsKey("packed");
      assertThat(catalog.failures()).anyMatch(failure -> failure.contains("org.example.Missing"));
    }
  }
}
