package dev.graft.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Names the jar of a plug-in that misbehaves, and goes on without it. */
class HostilePluginTests {
  private static final String FAMILY = """
      public String id() { return "%s"; }
      public String description() { return "reads nothing"; }
      public Set<String> modelTypes() { return Set.of("%s"); }
      public CausalModel read(Configuration configuration) { throw new IllegalStateException("boom"); }
      """;

  @TempDir
  Path folder;

  private Path jar() {
    return folder.resolve("plugins/hostile.jar");
  }

  private Captured graft(String... arguments) {
    String[] all = new String[arguments.length + 2];
    all[0] = "--plugins";
    all[1] = Objects.requireNonNull(jar().getParent()).toString();
    System.arraycopy(arguments, 0, all, 2, arguments.length);
    return Captured.run(all);
  }

  private static String family(String instead, String by) {
    return FAMILY.formatted("hostile", "hostile").lines()
        .map(line -> line.contains(" " + instead + "(") ? by : line).reduce("", (a, b) -> a + b + "\n");
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', value = {
    "id | public String id() { throw new IllegalStateException(\"nobody\"); } | nobody",
    "id | public String id() { return null; } | has the id null",
    "id | public String id() { return \"No Id\"; } | No Id",
    "id | public String id() { return id(); } | StackOverflowError",
    "id | public String id() { throw new OutOfMemoryError(\"of its own\"); } | of its own",
    "description | public String description() { return null; } | null for its description",
    "description | public String description() { throw new AssertionError(\"words\"); } | words",
    "modelTypes | public Set<String> modelTypes() { return null; } | null among its model types",
    "modelTypes | public Set<String> modelTypes() { throw new LinkageError(\"types\"); } | types"})
  void aPluginThatDoesNotSayWhoItIsDoesNotHinderTheOthers(String method, String by, String reason)
      throws IOException {
    Path jar = new PluginJar(folder).add("Bad", "ModelFamily", family(method, by))
        .add("Good", "ModelFamily", FAMILY.formatted("good", "good")).pack(jar());
    Captured listed = graft("plugins").done();
    assertThat(listed.out()).containsPattern("model family +good ").containsPattern("method +lora ");
    assertThat(listed.out().lines().filter(line -> line.startsWith("not loaded: "))).singleElement()
        .satisfies(line -> assertThat(line).contains("org.hostile.Bad in " + jar, reason));
  }

  @Test
  void aPluginWhoseVersionOrConstructorThrowsIsNamedWithItsJar() throws IOException {
    Path jar = new PluginJar(folder)
        .add("Version", "ModelFamily",
            FAMILY.formatted("a", "a")
                + "public int spiMajor() { throw new RuntimeException(\"no version\"); }")
        .add("Born", "ModelFamily",
            FAMILY.formatted("b", "b") + "public Born() { throw new RuntimeException(\"unborn\"); }")
        .add("Static", "ModelFamily",
            FAMILY.formatted("c", "c") + "static final int X = Integer.parseInt(\"x\");")
        .list("ModelFamily", "org.hostile.Missing").pack(jar());
    assertThat(graft("plugins").done().out())
        .contains("org.hostile.Version in " + jar, "no version", "org.hostile.Born in " + jar, "unborn",
            "org.hostile.Static in " + jar, "org.hostile.Missing in " + jar, "does not hold it");
  }

  @Test
  void whatIsNotThereIsAnsweredByTheJarsThatWereNotLoaded() throws IOException {
    Path jar = new PluginJar(folder).list("PeftMethod", "org.hostile.Vera").pack(jar());
    assertThat(graft("bench", "--method", "vera").refused())
        .contains("There is no method \"vera\"", "Not loaded: org.hostile.Vera in " + jar);
    assertThat(graft("bench", "--quantize", "int8").refused()).contains("Not loaded:", jar.toString());
    assertThat(graft("bench", "--backend", "tpu").refused()).contains("Not loaded:", jar.toString());
  }

  @Test
  void aJarThatListsNoPluginIsMentioned() throws IOException {
    Path jar = new PluginJar(folder).pack(jar());
    assertThat(graft("plugins").done().out())
        .contains("not loaded: " + jar + " lists no plug-in under META-INF/services");
    assertThat(graft("bench", "--method", "vera").refused()).contains(jar.toString());
  }

  @Test
  void aModelTypeThatTwoPluginsReadIsTakenByNeither() throws IOException {
    Path jar = new PluginJar(folder).add("Usurper", "ModelFamily", FAMILY.formatted("aaa", "llama"))
        .pack(jar());
    String refused = graft("plan", "--model", TinyModel.folder().toString()).refused();
    assertThat(refused).contains("several plug-ins read model_type \"llama\"",
        "org.hostile.Usurper in " + jar,
        "dev.graft.models");
  }

  @Test
  void anExceptionInAPluginIsToldWithItsJarAndNotAsAFaultOfGraft() throws IOException {
    Path jar = new PluginJar(folder).add("Bad", "ModelFamily", FAMILY.formatted("bad", "bad")).pack(jar());
    Path model = Files.createDirectory(folder.resolve("model"));
    Files.copy(TinyModel.folder().resolve("model.safetensors"), model.resolve("model.safetensors"));
    Files.writeString(model.resolve("config.json"), "{\"model_type\": \"bad\"}");
    assertThat(graft("plan", "--model", model.toString()).refused()).contains("the plug-in in " + jar,
        "boom");
    Captured debugged = graft("--debug", "plan", "--model", model.toString());
    assertThat(debugged.code()).isEqualTo(2);
    assertThat(debugged.err()).contains("org.hostile.Bad.read(");
  }

  @Test
  void aPluginThatEndlesslyCallsItselfIsToldWithItsJar() throws IOException {
    Path jar = new PluginJar(folder).add("Bad", "ModelFamily",
        FAMILY.formatted("bad", "bad").replace("throw new IllegalStateException(\"boom\")",
            "return read(configuration)"))
        .pack(jar());
    Path model = Files.createDirectory(folder.resolve("model"));
    Files.copy(TinyModel.folder().resolve("model.safetensors"), model.resolve("model.safetensors"));
    Files.writeString(model.resolve("config.json"), "{\"model_type\": \"bad\"}");
    assertThat(graft("plan", "--model", model.toString()).refused()).contains("the plug-in in " + jar);
  }

  @Test
  void aListingThatUnpacksToMoreThanTheMemoryIsRefused() throws IOException {
    Files.createDirectories(Objects.requireNonNull(jar().getParent()));
    byte[] zeros = new byte[1 << 20];
    try (OutputStream out = Files.newOutputStream(jar());
        JarOutputStream entries = new JarOutputStream(out)) {
      entries.putNextEntry(new JarEntry("META-INF/services/dev.graft.spi.PeftMethod"));
      for (int i = 0; i < 3000; i++) {
        entries.write(zeros);
      }
    }
    assertThat(graft("plugins").refused()).contains(jar().toRealPath().toString(),
        "no listing of a plug-in's");
  }

  @Test
  void aClassThatUnpacksToMoreThanTheMemoryDoesNotHinderTheOthers() throws IOException {
    Files.createDirectories(Objects.requireNonNull(jar().getParent()));
    byte[] zeros = new byte[1 << 20];
    try (OutputStream out = Files.newOutputStream(jar());
        JarOutputStream entries = new JarOutputStream(out)) {
      entries.putNextEntry(new JarEntry("META-INF/services/dev.graft.spi.PeftMethod"));
      entries.write("org.hostile.Bomb".getBytes(StandardCharsets.UTF_8));
      entries.putNextEntry(new JarEntry("org/hostile/Bomb.class"));
      for (int i = 0; i < 2200; i++) {
        entries.write(zeros);
      }
    }
    assertThat(graft("plugins").done().out()).containsPattern("method +lora ")
        .contains("not loaded: org.hostile.Bomb in " + jar().toRealPath());
  }

  @Test
  void whatAPluginSaysOfItselfDoesNotSteerTheTerminal() throws IOException {
    new PluginJar(folder).add("Painter", "ModelFamily",
        family("description",
            "public String description() { return \"red \\u001b[31m\\nmethod  evil\\u0007\"; }"))
        .pack(jar());
    assertThat(graft("plugins").done().out()).contains("red \\u001b[31m\\nmethod  evil\\u0007")
        .doesNotContain("\u001b", "\u0007");
  }
}
