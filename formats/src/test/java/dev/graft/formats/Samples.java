package dev.graft.formats;

import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;

/** Makes tensors and files for tests. */
final class Samples {
  private Samples() {
  }

  /** Makes one tensor of each type, a scalar, an empty one and names that need escapes. */
  static Map<String, HostTensor> everyType(long seed) {
    Random random = new Random(seed);
    Map<String, HostTensor> tensors = new LinkedHashMap<>();
    for (DType type : DType.values()) {
      tensors.put("x." + type, random(type, Shape.of(3, 5), random));
    }
    tensors.put("scalar", HostTensor.scalar(DType.F32, 2.5));
    tensors.put("empty", HostTensor.zeros(DType.I64, Shape.of(0, 4)));
    tensors.put("empty.too", HostTensor.zeros(DType.F16, Shape.of(0)));
    tensors.put("naïve \"name\"\\\n\t\u0001\u007f 😀 \uFFFD", random(DType.F32, Shape.of(7), random));
    return tensors;
  }

  static HostTensor random(DType type, Shape shape, Random random) {
    HostTensor tensor = HostTensor.zeros(type, shape);
    for (long i = 0; i < shape.size(); i++) {
      if (type.isFloating()) {
        tensor.set(i, random.nextGaussian());
      } else {
        tensor.set(i, random.nextLong());
      }
    }
    return tensor;
  }

  static HostTensor filled(DType type, Shape shape, double value) {
    HostTensor tensor = HostTensor.zeros(type, shape);
    for (long i = 0; i < shape.size(); i++) {
      tensor.set(i, value);
    }
    return tensor;
  }

  static byte[] bytes(HostTensor tensor) {
    return tensor.segment().toArray(ValueLayout.JAVA_BYTE);
  }

  static boolean same(HostTensor a, HostTensor b) {
    return a.dtype() == b.dtype() && a.shape().equals(b.shape())
        && MemorySegment.mismatch(a.segment(), 0, a.bytes(), b.segment(), 0, b.bytes()) < 0;
  }

  /** Writes a safetensors file by hand, so that it can be wrong in any way. */
  static Path safetensors(Path file, String header, int dataBytes) throws IOException {
    byte[] text = header.getBytes(StandardCharsets.UTF_8);
    return Files.write(file, safetensors(text.length, text, dataBytes));
  }

  static byte[] safetensors(long declared, byte[] header, int dataBytes) {
    ByteBuffer out = ByteBuffer.allocate(Long.BYTES + header.length + dataBytes)
        .order(ByteOrder.LITTLE_ENDIAN);
    out.putLong(declared).put(header);
    for (int i = 0; i < dataBytes; i++) {
      out.put((byte) i);
    }
    return out.array();
  }
}
