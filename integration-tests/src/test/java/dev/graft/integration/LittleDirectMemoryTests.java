package dev.graft.integration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.core.GenerationOptions;
import dev.graft.core.GraftModel;
import dev.graft.core.ModelOptions;
import dev.graft.core.PluginCatalog;
import dev.graft.graph.DType;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Opens a model in a real process whose JVM bounds direct memory far below the copies of the weights. */
class LittleDirectMemoryTests {
  @TempDir
  Path folder = Path.of("");

  /** Answers a prompt in F64, for which every weight of the F32 checkpoint is copied. */
  static final class Answering {
    private Answering() {
    }

    public static void main(String[] args) {
      PluginCatalog plugins = PluginCatalog.discover(Answering.class.getClassLoader());
      try (GraftModel model = GraftModel.open(SmallModel.FOLDER,
          ModelOptions.DEFAULT.on(args[0]).in(DType.F64),
          plugins)) {
        model.generate(List.of(new long[]{5, 6, 7}), GenerationOptions.greedy(3, Set.of(), 0), (_, _) -> {
        }).forEach(row -> System.out.println("answer " + Arrays.toString(row)));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"reference", "djl"})
  void aModelLargerThanTheBoundOfDirectMemoryAnswers(String backend) throws Exception {
    Path output = folder.resolve("output");
    Process process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "--enable-native-access=ALL-UNNAMED", "-XX:MaxDirectMemorySize=32k", "-cp",
        System.getProperty("java.class.path"), Answering.class.getName(), backend)
        .redirectErrorStream(true).redirectOutput(output.toFile()).start();
    boolean ended = process.waitFor(5, TimeUnit.MINUTES);
    process.destroyForcibly().waitFor();
    String said = Files.readString(output);
    assertThat(ended).as(said).isTrue();
    assertThat(process.exitValue()).as(said).isZero();
    assertThat(said).contains("answer [");
  }
}
