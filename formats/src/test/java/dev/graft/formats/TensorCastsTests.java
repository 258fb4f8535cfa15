package dev.graft.formats;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TensorCastsTests {
  private static final List<DType> FLOATING = List.of(DType.F32, DType.F64, DType.BF16, DType.F16);

  @Test
  void convertsEveryHalfAsHostTensorDoes() {
    byte[] bytes = new byte[2 * 65536];
    for (int i = 0; i < 65536; i++) {
      bytes[2 * i] = (byte) i;
      bytes[2 * i + 1] = (byte) (i >> 8);
    }
    for (DType half : List.of(DType.F16, DType.BF16)) {
      HostTensor all = HostTensor.zeros(half, Shape.of(256, 256));
      all.segment().copyFrom(java.lang.foreign.MemorySegment.ofArray(bytes));
      for (DType to : FLOATING) {
        assertSame(all, to, "all " + half);
      }
    }
  }

  @Test
  void convertsRandomBitsAsHostTensorDoes() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    for (int size : new int[]{0, 1, 7, 8191, 8192, 8193, 100_003}) {
      HostTensor floats = HostTensor.zeros(DType.F32, Shape.of(size));
      HostTensor doubles = HostTensor.zeros(DType.F64, Shape.of(size));
      for (int i = 0; i < size; i++) {
        floats.set(i, Float.intBitsToFloat(random.nextInt()));
        doubles.set(i, random.nextGaussian() * Math.pow(2, random.nextInt(-160, 160)));
      }
      for (DType to : FLOATING) {
        assertSame(floats, to, "seed " + seed);
        assertSame(doubles, to, "seed " + seed);
      }
    }
  }

  @Test
  void roundsTiesToEven() {
    HostTensor floats = HostTensor.ofFloats(Shape.of(6), 0x1.01p0f, 0x1.03p0f, 0x1.010002p0f, 0x1.fffp127f,
        65520f, 0x1p-25f);

    assertThat(TensorCasts.cast(floats, DType.BF16).toFloats()).containsExactly(1f, 0x1.04p0f, 0x1.02p0f,
        Float.POSITIVE_INFINITY, 65536f, 0x1p-25f);
    assertThat(TensorCasts.cast(floats, DType.F16).toFloats()).containsExactly(0x1.01p0f, 0x1.03p0f,
        0x1.01p0f,
        Float.POSITIVE_INFINITY, Float.POSITIVE_INFINITY, 0f);
  }

  @Test
  void keepsATensorThatHasTheType() {
    HostTensor tensor = HostTensor.ofFloats(Shape.of(1), 1);

    assertThat(TensorCasts.cast(tensor, DType.F32)).isSameAs(tensor);
  }

  @Test
  void leavesIntegersToHostTensor() {
    HostTensor tensor = HostTensor.ofLongs(Shape.of(3), 1, -2, 1L << 40);

    assertThat(TensorCasts.cast(tensor, DType.F32).toFloats()).containsExactly(1, -2, 0x1p40f);
    assertThat(TensorCasts.cast(tensor, DType.I32).toLongs()).containsExactly(1, -2, 0);
  }

  private static void assertSame(HostTensor from, DType to, String what) {
    HostTensor expected = from.cast(to);
    HostTensor actual = TensorCasts.cast(from, to);
    assertThat(actual.dtype()).isEqualTo(to);
    assertThat(actual.shape()).isEqualTo(from.shape());
    for (long i = 0; i < from.shape().size(); i++) {
      if (bits(actual, i) != bits(expected, i)) {
        assertThat(bits(actual, i)).as("%s: element %d, %s to %s", what, i, from.dtype(), to)
            .isEqualTo(bits(expected, i));
      }
    }
  }

  /** The machine may turn a signalling NaN into a quiet one at any conversion, so that bit is left out. */
  private static long bits(HostTensor tensor, long index) {
    byte[] bytes = Samples.bytes(HostTensor.wrap(tensor.dtype(), Shape.of(),
        tensor.segment().asSlice(index * tensor.dtype().bytes(), tensor.dtype().bytes())));
    long bits = 0;
    for (int i = bytes.length - 1; i >= 0; i--) {
      bits = bits << 8 | bytes[i] & 0xFF;
    }
    boolean nan = Double.isNaN(tensor.at(index));
    long quiet = switch (tensor.dtype()) {
      case F32 -> 1L << 22;
      case F64 -> 1L << 51;
      case BF16 -> 1L << 6;
      case F16 -> 1L << 9;
      case I64, I32, I8, U8, BOOL -> 0;
    };
    return nan ? bits | quiet : bits;
  }
}
