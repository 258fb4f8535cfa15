package dev.graft.backend.djl;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import dev.graft.spi.Program;
import dev.graft.spi.Session;
import dev.graft.spi.SessionOptions;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Ends real processes while another thread of theirs computes. */
class EndingProcessTests {
  @TempDir
  Path folder = Path.of("");

  /** Ends amid a loop of computations. */
  static final class Computing {
    private Computing() {
    }

    public static void main(String[] args) throws InterruptedException {
      CountDownLatch running = new CountDownLatch(1);
      Thread.ofPlatform().daemon().start(() -> compute(running));
      running.await();
      Thread.sleep(Long.parseLong(args[0]));
      System.exit(7);
    }

    private static void compute(CountDownLatch running) {
      Tensor x = Tensor.input("x", DType.F32, 512, 512);
      Graph graph = Graph.of("long", Map.of("y", x.matmul(x).matmul(x).matmul(x).sum()), List.of());
      HostTensor value = HostTensor.zeros(DType.F32, Shape.of(512, 512));
      try (Session session = new DjlBackend().open(SessionOptions.DEFAULT);
          Program program = session.compile(graph)) {
        while (true) {
          program.run(Map.of("x", value));
          running.countDown();
        }
      }
    }
  }

  @Test
  void aProcessThatEndsWhileItComputesEndsAsItWasAskedTo() throws Exception {
    for (int round = 0; round < 3; round++) {
      Path output = folder.resolve("output");
      Process process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
          "--enable-native-access=ALL-UNNAMED", "-XX:ErrorFile=" + folder.resolve("crash"), "-cp",
          System.getProperty("java.class.path"), Computing.class.getName(), "" + 7 * round)
          .redirectErrorStream(true).redirectOutput(output.toFile()).start();
      boolean ended = process.waitFor(3, TimeUnit.MINUTES);
      process.destroyForcibly().waitFor();
      String said = Files.readString(output);
      assertThat(ended).as("round %d ends: %s", round, said).isTrue();
      assertThat(process.exitValue()).as("round %d: %s", round, said).isEqualTo(7);
      assertThat(folder.resolve("crash")).doesNotExist();
    }
  }
}
