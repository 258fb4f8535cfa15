package dev.graft.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.OutputStream;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.ToolProvider;

/** Compiles a plug-in of a test's and packs it into a jar, as its author would. */
final class PluginJar {
  private final Map<String, String> services = new TreeMap<>();
  private final List<Path> sources = new ArrayList<>();
  private final Path work;

  PluginJar(Path folder) {
    try {
      this.work = Files.createTempDirectory(folder, "plugin");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Adds a class of the package {@code org.hostile}.
   *
   * @param name of the class
   * @param body what stands between its braces
   * @param kind simple name of the service that it implements, {@code PeftMethod} or another
   */
  PluginJar add(String name, String kind, String body) throws IOException {
    Path source = work.resolve("src/org/hostile/" + name + ".java");
    Files.createDirectories(source.getParent());
    Files.writeString(source, """
        package org.hostile;
        import dev.graft.graph.*;
        import dev.graft.spi.*;
        import java.util.*;
        public final class %s implements %s {
          %s
        }
        """.formatted(name, kind, body));
    sources.add(source);
    return list(kind, "org.hostile." + name);
  }

  /** Lists a class for a service, whether it is in the jar or not. */
  PluginJar list(String kind, String type) {
    services.merge(kind.replaceAll("<.*", ""), type, (before, more) -> before + "\n" + more);
    return this;
  }

  /** Writes the jar. */
  Path pack(Path jar) throws IOException {
    Path classes = Files.createDirectories(work.resolve("classes"));
    if (!sources.isEmpty()) {
      JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
      StringWriter said = new StringWriter();
      assertThat(compiler.getTask(said, null, null,
          List.of("-d", classes.toString(), "-proc:none", "-cp", System.getProperty("java.class.path")), null,
          compiler.getStandardFileManager(null, null, null).getJavaFileObjectsFromPaths(sources)).call())
          .as(said.toString()).isTrue();
    }
    Files.createDirectories(jar.getParent());
    try (OutputStream out = Files.newOutputStream(jar);
        JarOutputStream entries = new JarOutputStream(out);
        Stream<Path> files = Files.walk(classes)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        entries.putNextEntry(new JarEntry(classes.relativize(file).toString().replace('\\', '/')));
        Files.copy(file, entries);
      }
      for (Map.Entry<String, String> service : services.entrySet()) {
        entries.putNextEntry(new JarEntry("META-INF/services/dev.graft.spi." + service.getKey()));
        entries.write((service.getValue() + "\n").getBytes(StandardCharsets.UTF_8));
      }
    }
    return jar.toRealPath();
  }
}
