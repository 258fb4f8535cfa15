package dev.graft.backend.djl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.pytorch.engine.PtNDArray;
import dev.graft.error.GraftException;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.spi.Session;
import dev.graft.spi.SessionOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Moves tensors that do not fit into one buffer, with buffers short enough to test that. */
class LibtorchTests {
  private static final Shape SHAPE = Shape.of(1, 7, 5);

  private static HostTensor numbers(DType type) {
    HostTensor tensor = HostTensor.zeros(type, SHAPE);
    for (long i = 0; i < SHAPE.size(); i++) {
      if (type.isFloating()) {
        tensor.set(i, i + 1.0);
      } else {
        tensor.set(i, type == DType.BOOL ? i % 2 : i + 1);
      }
    }
    return tensor;
  }

  @ParameterizedTest
  @EnumSource(DType.class)
  void everyTypeGoesThereAndBackInPieces(DType type) {
    HostTensor numbers = numbers(type);
    // 27 is no multiple of a number's bytes, and less than a row of the longer types.
    for (long longest : List.of(8L, 27L, numbers.bytes() - 1, numbers.bytes())) {
      try (Libtorch torch = Libtorch.open(1, longest); PtNDArray array = torch.view(numbers)) {
        assertThat(array.getShape().getShape()).isEqualTo(SHAPE.dims());
        HostTensor back = torch.toHost(array, type, SHAPE);
        assertThat(back.shape()).isEqualTo(SHAPE);
        assertThat(back.segment().mismatch(numbers.segment())).as("buffers of " + longest).isEqualTo(-1);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {8, 1000})
  void aTransposedTensorComesInItsOwnOrder(long longest) {
    try (Libtorch torch = Libtorch.open(1, longest);
        PtNDArray array = torch.view(numbers(DType.F32));
        PtNDArray transposed = array.transpose(0, 2, 1)) {
      HostTensor back = torch.toHost(transposed, DType.F32, Shape.of(1, 5, 7));
      List<Double> expected = new ArrayList<>();
      for (int column = 0; column < 5; column++) {
        for (int row = 0; row < 7; row++) {
          expected.add(row * 5 + column + 1.0);
        }
      }
      assertThat(LongStream.range(0, 35).mapToObj(back::at))
          .containsExactlyElementsOf(expected);
    }
  }

  @Test
  void aSecondNumberOfThreadsIsRefusedWhileTheFirstIsInUse() {
    DjlBackend backend = new DjlBackend();
    try (Session _ = backend.open(new SessionOptions(2))) {
      try (Session _ = backend.open(new SessionOptions(2))) {
        assertThatThrownBy(() -> backend.open(new SessionOptions(1))).isInstanceOf(GraftException.class)
            .hasMessageContaining("1 threads").hasMessageContaining("a session of 2");
      }
      assertThatThrownBy(() -> backend.open(new SessionOptions(1))).isInstanceOf(GraftException.class);
    }
    backend.open(new SessionOptions(1)).close();
  }
}
