package dev.graft.backend.reference;

import static dev.graft.backend.reference.Evaluation.bytes;
import static dev.graft.backend.reference.Evaluation.f32;
import static dev.graft.backend.reference.Evaluation.f64;
import static dev.graft.backend.reference.Evaluation.i32;
import static dev.graft.backend.reference.Evaluation.i64;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.error.GraftException;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Primitive;
import dev.graft.graph.Scope;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class PrimitiveTests {
  /** 0 to 23 as [2, 3, 4]. */
  private static Tensor block() {
    return Tensor.iota(24).reshape(2, 3, 4);
  }

  private static long[] longs(Tensor tensor) {
    return Evaluation.of(tensor).toLongs();
  }

  @Test
  void fillsAndCounts() {
    assertThat(Evaluation.of(Tensor.fill(0.1, DType.F32, Shape.of(2, 1))).toFloats()).containsExactly(0.1f,
        0.1f);
    assertThat(longs(Tensor.fill(-3, DType.I64, Shape.of(2)))).containsExactly(-3, -3);
    assertThat(longs(Tensor.fill(1, DType.BOOL, Shape.of(3)))).containsExactly(1, 1, 1);
    assertThat(longs(Tensor.fill(7, DType.I32, Shape.of(0)))).isEmpty();
    assertThat(longs(Tensor.fill(7, DType.U8, Shape.of(2000)))).hasSize(2000).containsOnly(7);
    assertThat(longs(Tensor.iota(4))).containsExactly(0, 1, 2, 3);
    assertThat(longs(Tensor.of(new Primitive.Iota(2, DType.I32)))).containsExactly(0, 1);
    assertThat(longs(Tensor.iota(0))).isEmpty();
  }

  @Test
  void sumsAlongAnyAxes() {
    assertThat(longs(block().sum(0))).containsExactly(12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32, 34);
    assertThat(longs(block().sum(1))).containsExactly(12, 15, 18, 21, 48, 51, 54, 57);
    assertThat(longs(block().sum(2))).containsExactly(6, 22, 38, 54, 70, 86);
    assertThat(longs(block().sum(0, 2))).containsExactly(60, 92, 124);
    assertThat(longs(block().sum())).containsExactly(276);
    assertThat(Evaluation.of(block().sum(2, 0)).shape()).isEqualTo(Shape.of(1, 3, 1));
    assertThat(longs(Tensor.of(new Primitive.Reduce(Primitive.Reduce.Function.SUM, List.of()), i32(4, 5))))
        .containsExactly(4, 5);
    assertThat(longs(bytes(DType.U8, 200, 100).sum())).containsExactly(44);
    assertThat(longs(i32(Integer.MAX_VALUE, 1).sum())).containsExactly(Integer.MIN_VALUE);
  }

  @Test
  void sumsAnEmptyAxisToZero() {
    assertThat(Evaluation.of(Tensor.fill(1, DType.F32, Shape.of(2, 0)).sum(1)).toFloats()).containsExactly(0,
        0);
    assertThat(Evaluation.of(Tensor.fill(1, DType.F32, Shape.of(0, 2)).sum(0)).toFloats()).containsExactly(0,
        0);
    assertThat(Evaluation.of(Tensor.fill(1, DType.F32, Shape.of(0, 2)).max(1)).toFloats()).isEmpty();
  }

  @Test
  void sumsSinglesAndHalvesWithoutLosingSmallTerms() {
    assertThat(Evaluation.of(f32(1e8f, 1, -1e8f, 1).sum()).item()).isEqualTo(2);
    Tensor halves = Tensor.fill(1, DType.BF16, Shape.of(1000));
    assertThat(Evaluation.of(halves.sum()).item()).isEqualTo(1000);
  }

  @Test
  void takesTheLargestAndPropagatesNan() {
    assertThat(longs(block().negate().max(1))).containsExactly(0, -1, -2, -3, -12, -13, -14, -15);
    assertThat(longs(block().max())).containsExactly(23);
    assertThat(longs(bytes(DType.U8, 3, 250).max())).containsExactly(250);
    assertThat(Evaluation.of(f32(1, Float.NaN, 2).max()).item()).isNaN();
    assertThat(Evaluation.of(f32(Float.NEGATIVE_INFINITY, -5).max()).item()).isEqualTo(-5);
  }

  @Test
  void multipliesMatricesInEveryOrientation() {
    long seed = 3;
    Random random = new Random(seed);
    long[][] sizes = {{1, 1, 1}, {2, 3, 4}, {17, 5, 300}, {33, 67, 9}, {3, 0, 2}, {0, 3, 2}, {2, 3, 0}};
    for (long[] size : sizes) {
      for (int orientation = 0; orientation < 4; orientation++) {
        boolean ta = (orientation & 1) != 0;
        boolean tb = (orientation & 2) != 0;
        int m = (int) size[0];
        int k = (int) size[1];
        int n = (int) size[2];
        for (DType dtype : List.of(DType.F32, DType.F64, DType.BF16, DType.F16)) {
          HostTensor a = Evaluation.random(random, dtype, 2, ta ? k : m, ta ? m : k);
          HostTensor b = Evaluation.random(random, dtype, 2, tb ? n : k, tb ? k : n);
          HostTensor found = Evaluation.of(Tensor.constant(a).matmul(Tensor.constant(b), ta, tb));
          HostTensor want = HostTensor.zeros(dtype, Shape.of(2, m, n));
          for (int i = 0; i < 2 * m * n; i++) {
            int batch = i / (m * n);
            int row = i / n % m;
            int column = i % n;
            double sum = 0;
            for (int c = 0; c < k; c++) {
              sum += a.at(batch * m * k + (ta ? c * m + row : row * k + c))
                  * b.at(batch * k * n + (tb ? column * k + c : c * n + column));
            }
            want.set(i, sum);
          }
          assertThat(found.toDoubles())
              .as("%s [%s, %s, %s], transposed %s %s, seed %s", dtype, m, k, n, ta, tb, seed)
              .containsExactly(want.toDoubles());
        }
      }
    }
  }

  @Test
  void movesElements() {
    assertThat(longs(block().permute(2, 0, 1))).containsExactly(0, 4, 8, 12, 16, 20, 1, 5, 9, 13, 17, 21, 2,
        6, 10, 14, 18, 22, 3, 7, 11, 15, 19, 23);
    assertThat(longs(block().transpose(0, 1).reshape(24))).containsExactly(0, 1, 2, 3, 12, 13, 14, 15, 4, 5,
        6, 7, 16, 17, 18, 19, 8, 9, 10, 11, 20, 21, 22, 23);
    assertThat(longs(i64(1, 2).reshape(2, 1).broadcastTo(Shape.of(2, 2, 3)))).containsExactly(1, 1, 1, 2, 2,
        2, 1, 1, 1, 2, 2, 2);
    assertThat(longs(i64(1).broadcastTo(Shape.of(0)))).isEmpty();
    assertThat(longs(block().slice(1, 1, 3))).containsExactly(4, 5, 6, 7, 8, 9, 10, 11, 16, 17, 18, 19, 20,
        21, 22, 23);
    assertThat(longs(block().slice(2, 3, 4))).containsExactly(3, 7, 11, 15, 19, 23);
    assertThat(longs(block().slice(0, 1, 1))).isEmpty();
    assertThat(longs(i64(1, 2, 3, 4).reshape(2, 2).pad(0, 1, 0))).containsExactly(0, 0, 1, 2, 3, 4);
    assertThat(longs(i64(1, 2, 3, 4).reshape(2, 2).pad(1, 1, 2))).containsExactly(0, 1, 2, 0, 0, 0, 3, 4, 0,
        0);
    assertThat(longs(Tensor.concat(1, List.of(i64(1, 2).reshape(2, 1), i64(3, 4, 5, 6).reshape(2, 2),
        Tensor.fill(0, DType.I64, Shape.of(2, 0)))))).containsExactly(1, 3, 4, 2, 5, 6);
    assertThat(longs(Tensor.concat(0, List.of(i64(1), i64(2, 3))))).containsExactly(1, 2, 3);
  }

  @Test
  void movesEveryType() {
    for (DType dtype : DType.values()) {
      Tensor x = i64(1, 0, 1, 0, 0, 1).cast(dtype).reshape(2, 3).transpose(0, 1);
      assertThat(Evaluation.of(x).toDoubles()).as("%s", dtype).containsExactly(1, 0, 0, 0, 1, 1);
      assertThat(Evaluation.of(x.gather(0, i64(2, 0))).toDoubles()).as("%s", dtype).containsExactly(1, 1, 1,
          0);
    }
  }

  @Test
  void passesValuesOnUnchanged() {
    Tensor x = f64(1, 2);
    assertThat(Evaluation.of(x.detach()).toDoubles()).containsExactly(1, 2);
    assertThat(Evaluation.of(Tensor.of(new Primitive.After(), x, i64(9))).toDoubles()).containsExactly(1, 2);
  }

  @Test
  void gathersAlongAnyAxis() {
    assertThat(longs(block().gather(0, i64(1)))).containsExactly(12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22,
        23);
    Tensor picked = block().gather(1, i64(2, 0, 0, 1).reshape(2, 2));
    assertThat(picked.shape()).isEqualTo(Shape.of(2, 2, 2, 4));
    assertThat(longs(picked)).containsExactly(8, 9, 10, 11, 0, 1, 2, 3, 0, 1, 2, 3, 4, 5, 6, 7, 20, 21, 22,
        23, 12, 13, 14, 15, 12, 13, 14, 15, 16, 17, 18, 19);
    assertThat(longs(i64(5, 6).gather(0, Tensor.scalar(1, DType.I64)))).containsExactly(6);
    assertThat(longs(i64(5, 6).gather(0, Tensor.iota(0)))).isEmpty();
  }

  @Test
  void scattersByAdding() {
    Tensor updates = f32(1, 2, 3, 4, 5, 6).reshape(3, 2);
    assertThat(Evaluation.of(Tensor.of(new Primitive.ScatterAdd(0, 3), updates, i64(2, 0, 2))).toFloats())
        .containsExactly(3, 4, 0, 0, 6, 8);
    assertThat(Evaluation.of(Tensor.of(new Primitive.ScatterAdd(1, 4), updates, i64(3, 3))).toFloats())
        .containsExactly(0, 0, 0, 3, 0, 0, 0, 7, 0, 0, 0, 11);
  }

  @Test
  void putsEntries() {
    Tensor base = i64(1, 2, 3, 4, 5, 6).reshape(2, 3);
    assertThat(longs(base.put(1, i64(2, 0), i64(-1, -2, -3, -4).reshape(2, 2)))).containsExactly(-2, 2, -1,
        -4, 5, -3);
    assertThat(longs(base.put(0, Tensor.iota(0), Tensor.fill(0, DType.I64, Shape.of(0, 3)))))
        .containsExactly(1, 2, 3, 4, 5, 6);
  }

  @Test
  void namesOperationSiteAndIndexThatDoesNotExist() {
    Tensor x = f32(1, 2, 3);
    for (long wrong : new long[]{-1, 3, Long.MAX_VALUE}) {
      Tensor index = i64(0, wrong);
      List<Tensor> nodes = Scope.at("model.embed", () -> List.of(x.gather(0, index),
          Tensor.of(new Primitive.ScatterAdd(0, 3), f32(1, 2), index), x.put(0, index, f32(8, 9))));
      for (Tensor node : nodes) {
        assertThatThrownBy(() -> Evaluation.of(node)).isInstanceOf(GraftException.class)
            .hasMessageContaining(node.op().name() + " at model.embed")
            .hasMessageContaining("index " + wrong + ",").hasMessageContaining("position 1")
            .hasMessageContaining("length 3");
      }
    }
    assertThatThrownBy(() -> Evaluation.of(x.put(0, i64(1, 1), f32(8, 9)))).isInstanceOf(GraftException.class)
        .hasMessageContaining("index 1").hasMessageContaining("twice");
  }
}
