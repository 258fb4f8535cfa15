package dev.graft.integration;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Holds the rules of modules by their sources, so that none is left out. */
class ModuleTests {
  /** A name that others require is a promise: none of these is ever changed. */
  private static final Map<String, String> NAMES = Map.ofEntries(Map.entry("api", "dev.graft.api"),
      Map.entry("compiler", "dev.graft.compiler"), Map.entry("formats", "dev.graft.formats"),
      Map.entry("core", "dev.graft.core"), Map.entry("tools", "dev.graft.tools"),
      Map.entry("chat-template", "dev.graft.template"), Map.entry("data", "dev.graft.data"),
      Map.entry("models", "dev.graft.models"), Map.entry("methods-lora", "dev.graft.methods.lora"),
      Map.entry("methods-dora", "dev.graft.methods.dora"),
      Map.entry("methods-prefix", "dev.graft.methods.prefix"),
      Map.entry("methods-prompt", "dev.graft.methods.prompt"),
      Map.entry("quant-nf4", "dev.graft.quant.nf4"),
      Map.entry("backend-reference", "dev.graft.backend.reference"),
      Map.entry("backend-djl", "dev.graft.backend.djl"), Map.entry("backend-cuda", "dev.graft.backend.cuda"),
      Map.entry("testkit", "dev.graft.testkit"),
      Map.entry("registry-cli", "dev.graft.registry.cli"), Map.entry("plugin-template", "org.example.ia3"));
  private static final Pattern MODULE = Pattern.compile("module\\s+([\\w.]+)\\s*\\{");
  private static final Pattern PROVIDES = Pattern.compile("provides\\s+([\\w.]+)\\s+with\\s+([\\w.,\\s]+);");
  private static final Path ROOT = Path.of("..");

  private static List<Path> modules() {
    try (Stream<Path> folders = Files.list(ROOT)) {
      return folders.filter(folder -> Files.exists(folder.resolve("src/main/java/module-info.java"))).sorted()
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String declaration(Path module) {
    return read(module.resolve("src/main/java/module-info.java")).replaceAll("(?s)/\\*.*?\\*/", "")
        .replaceAll("//[^\n]*", "");
  }

  @Test
  void namesOfModulesNeverChange() {
    assertThat(modules()).hasSizeGreaterThanOrEqualTo(10).allSatisfy(module -> {
      Matcher matcher = MODULE.matcher(declaration(module));
      assertThat(matcher.find()).isTrue();
      assertThat(matcher.group(1)).as("name of " + module)
          .isEqualTo(NAMES.get(String.valueOf(module.getFileName())));
    });
  }

  @Test
  void servicesAreTheSameOnTheClassPathAndOnTheModulePath() {
    int services = 0;
    for (Path module : modules()) {
      Map<String, Set<String>> provided = new TreeMap<>();
      Matcher matcher = PROVIDES.matcher(declaration(module));
      while (matcher.find()) {
        provided.put(matcher.group(1), Arrays.stream(matcher.group(2).split(",")).map(String::strip)
            .collect(Collectors.toCollection(TreeSet::new)));
      }
      assertThat(listed(module.resolve("src/main/resources/META-INF/services"))).as("services of " + module)
          .isEqualTo(provided);
      services += provided.size();
    }
    assertThat(services).isGreaterThanOrEqualTo(4);
  }

  private static Map<String, Set<String>> listed(Path folder) {
    Map<String, Set<String>> listed = new TreeMap<>();
    if (Files.isDirectory(folder)) {
      try (Stream<Path> files = Files.list(folder)) {
        files.forEach(file -> listed.put(String.valueOf(file.getFileName()),
            read(file).lines().map(line -> line.replaceAll("#.*", "").strip())
                .filter(line -> !line.isEmpty()).collect(Collectors.toCollection(TreeSet::new))));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    return listed;
  }

  @Test
  void everyPackageOfTheProductIsNullMarked() {
    Set<Path> packages = new TreeSet<>();
    for (Path module : modules()) {
      try (Stream<Path> files = Files.walk(module.resolve("src/main/java"))) {
        files.filter(file -> file.toString().endsWith(".java"))
            .filter(file -> !file.endsWith("module-info.java"))
            .forEach(file -> packages.add(file.resolveSibling("package-info.java")));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    assertThat(packages).hasSizeGreaterThan(20).allSatisfy(info -> {
      assertThat(info).exists();
      assertThat(read(info)).as(info.toString()).contains("@NullMarked");
    });
  }
}
