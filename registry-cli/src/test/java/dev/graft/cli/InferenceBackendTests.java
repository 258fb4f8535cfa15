package dev.graft.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Uses a backend that runs models and cannot train them. */
class InferenceBackendTests {
  private static final String BACKEND = """
      private static Backend reference() {
        return ServiceLoader.load(Backend.class).stream().map(ServiceLoader.Provider::get)
            .filter(backend -> backend.id().equals("reference")).findFirst().orElseThrow();
      }
      public String id() { return "aaa-inference"; }
      public String description() { return "runs models"; }
      public Availability availability(SessionOptions options) { return reference().availability(options); }
      public MemoryNeed need(Graph graph, SessionOptions options) { return reference().need(graph, options); }
      public Capabilities capabilities() { return new Capabilities(Set.of(DType.F32), Set.of()); }
      public Session open(SessionOptions options) { return reference().open(options); }
      """;

  @TempDir
  Path folder;

  private String plugins(String body) throws Exception {
    Path jar = new PluginJar(folder).add("Runner", "Backend", body)
        .pack(folder.resolve("plugins/runner.jar"));
    return "--plugins=" + jar.getParent();
  }

  @Test
  void itAnswersPromptsAndIsRefusedForTraining() throws Exception {
    String plugins = plugins(BACKEND);
    String model = TinyModel.folder().toString();
    String[] arguments = {plugins, "generate", "--model", model, "--prompt", "x", "--max-new-tokens", "3",
      "--backend", "reference"};
    String expected = Captured.run(arguments).done().out();
    arguments[arguments.length - 1] = "aaa-inference";
    assertThat(Captured.run(arguments).done().out()).isEqualTo(expected);
    Path data = TinyModel.samples(folder.resolve("data.jsonl"), 2);
    Path out = folder.resolve("out");
    assertThat(Captured.run(plugins, "train", "--model", model, "--data", data.toString(), "--backend",
        "aaa-inference", "--steps", "1", "--out", out.toString()).refused())
        .contains("Backend aaa-inference cannot train");
    assertThat(out).doesNotExist();
    assertThat(Captured.run(plugins, "bench", "--shape", "layers=1,hidden=32,ffn=32,heads=1,vocab=32",
        "--backend", "aaa-inference").refused()).contains("backend aaa-inference", "does not run training");
  }

  @Test
  void aBackendThatFailsWhenItIsAskedDoesNotHinderTheOthers() throws Exception {
    String plugins = plugins(BACKEND.replace("return reference().availability(options)",
        "throw new IllegalStateException(\"no driver\")"));
    assertThat(Captured.run(plugins, "plugins").done().out()).contains("aaa-inference", "no driver")
        .containsPattern("backend +reference ");
    assertThat(Captured.run(plugins, "generate", "--model", TinyModel.folder().toString(), "--prompt", "x",
        "--max-new-tokens", "1").done().out()).isNotEmpty();
  }
}
