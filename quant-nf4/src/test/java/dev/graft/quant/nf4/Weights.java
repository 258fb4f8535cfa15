package dev.graft.quant.nf4;

import dev.graft.formats.SafetensorsFile;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.spi.Configuration;
import dev.graft.spi.QuantizedTensor;
import dev.graft.spi.Quantizer;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;

/** Gives weights to encode, and what bitsandbytes made of some. */
final class Weights {
  static final Path GOLDEN = Path.of("..", "integration-tests", "src", "test", "resources", "golden");

  private Weights() {
  }

  static List<Path> recordedCases() throws IOException {
    try (Stream<Path> folders = Files.list(GOLDEN.resolve("quant"))) {
      return folders.filter(Files::isDirectory).sorted().toList();
    }
  }

  static SafetensorsFile recordedInputs() {
    return SafetensorsFile.open(GOLDEN.resolve("quant/inputs.safetensors"));
  }

  static Quantizer quantizer(String code) {
    return code.equals("nf4") ? new Nf4Quantizer() : new Fp4Quantizer();
  }

  static Configuration options(long blockSize, boolean doubleQuant) {
    return new Configuration("options", Map.of("block_size", blockSize, "double_quant", doubleQuant));
  }

  static QuantizedTensor encode(Quantizer quantizer, HostTensor value, long blockSize, boolean doubleQuant) {
    return quantizer.encode("w", value, options(blockSize, doubleQuant), Arena.ofAuto());
  }

  static HostTensor normal(long seed, long... dims) {
    Shape shape = Shape.of(dims);
    Random random = new Random(seed);
    float[] values = new float[Math.toIntExact(shape.size())];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return HostTensor.ofFloats(shape, values);
  }

  static byte[] bytes(HostTensor tensor) {
    return tensor.segment().toArray(ValueLayout.JAVA_BYTE);
  }
}
