package dev.graft.compiler.autodiff;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.compiler.graph.Interpreter;
import dev.graft.compiler.graph.Values;
import dev.graft.graph.Composite;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.graph.Signature;
import dev.graft.graph.Tensor;
import dev.graft.graph.nn.Activation;
import dev.graft.graph.nn.AdamW;
import dev.graft.graph.nn.Attention;
import dev.graft.graph.nn.BlockDequantize;
import dev.graft.graph.nn.CrossEntropy;
import dev.graft.graph.nn.Dropout;
import dev.graft.graph.nn.GatedActivation;
import dev.graft.graph.nn.LayerNorm;
import dev.graft.graph.nn.Repack;
import dev.graft.graph.nn.RmsNorm;
import dev.graft.graph.nn.RotaryEmbedding;
import dev.graft.graph.nn.Softmax;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.BiFunction;
import java.util.function.Supplier;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Differentiates each composite both by its own rule and through its decomposition. */
class CompositeGradientTests {
  private static final long SEED = 7;

  /** Hides a composite's own rule. */
  private record Decomposed(Composite composite) implements Composite {
    @Override
    public String name() {
      return composite.name() + " decomposed";
    }

    @Override
    public List<Signature> infer(List<Tensor> inputs) {
      return composite.infer(inputs);
    }

    @Override
    public List<Tensor> decompose(List<Tensor> inputs) {
      return composite.decompose(inputs);
    }
  }

  private static void check(Supplier<GradientCheck> operands, Composite composite,
      BiFunction<Composite, List<Tensor>, Tensor> call) {
    List<double[]> own = operands.get().matches(x -> call.apply(composite, x));
    List<double[]> through = operands.get().matches(x -> call.apply(new Decomposed(composite), x));
    for (int i = 0; i < own.size(); i++) {
      assertThat(own.get(i)).as(composite + ", operand " + i).containsExactly(through.get(i),
          Offset.offset(1e-10));
    }
  }

  private static Supplier<GradientCheck> operands(long[]... shapes) {
    return () -> {
      GradientCheck check = new GradientCheck("composite", SEED);
      for (long[] shape : shapes) {
        check.operand(shape);
      }
      return check;
    };
  }

  private static long[] dims(long... dims) {
    return dims;
  }

  @ParameterizedTest
  @EnumSource
  void differentiatesActivations(Activation.Function function) {
    check(operands(dims(3, 5)), new Activation(function), Tensor::of);
    check(operands(dims(3, 5), dims(3, 5)), new GatedActivation(function), Tensor::of);
  }

  @Test
  void differentiatesSoftmax() {
    check(operands(dims(3, 5)), new Softmax(), Tensor::of);
    check(operands(dims(2, 1)), new Softmax(), (op, x) -> Tensor.of(op, x).plus(x.getFirst()));
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void differentiatesNorms(boolean unitOffset) {
    check(operands(dims(2, 3, 4), dims(4)), new RmsNorm(1e-3, unitOffset), Tensor::of);
    check(operands(dims(2, 3, 4), dims(4), dims(4)), new LayerNorm(1e-3), Tensor::of);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void differentiatesRotaryEmbeddings(boolean transposed) {
    Tensor cosines = Tensor
        .constant(Values.between(-1, 1, DType.F64, Shape.of(1, 1, 3, 4), new Random(SEED)));
    Tensor sines = Tensor
        .constant(Values.between(-1, 1, DType.F64, Shape.of(1, 1, 3, 4), new Random(SEED + 1)));
    check(operands(dims(2, 2, 3, 4)), new RotaryEmbedding(transposed),
        (op, x) -> Tensor.of(op, x.getFirst(), cosines, sines));
  }

  @ParameterizedTest
  @CsvSource({"false, 0, 2, false", "true, 0, 2, false", "true, 0, 1, true", "false, 1.5, 1, true",
    "true, 0.7, 2, true"})
  void differentiatesAttention(boolean causal, double softcap, long kvHeads, boolean masked) {
    byte[] allowed = new byte[2 * 9];
    for (int i = 0; i < allowed.length; i++) {
      // Every target sees source 0, so that none sees nothing.
      allowed[i] = (byte) (i % 3 == 0 || i % 5 < 3 ? 1 : 0);
    }
    Tensor mask = Tensor.constant(HostTensor.ofBytes(DType.BOOL, Shape.of(2, 1, 3, 3), allowed));
    check(operands(dims(2, 2, 3, 4), dims(2, kvHeads, 3, 4), dims(2, kvHeads, 3, 4)),
        new Attention(0.8, causal, 0, softcap), (op, x) -> {
          List<Tensor> inputs = new ArrayList<>(x);
          if (masked) {
            inputs.add(mask);
          }
          return Tensor.of(op, inputs);
        });
  }

  @ParameterizedTest
  @CsvSource({"0, 0", "2, 0", "1, 0", "3, 0.7"})
  void differentiatesAttentionToAPrefixAndThroughAWindow(long window, double softcap) {
    check(operands(dims(2, 2, 3, 4), dims(2, 1, 5, 4), dims(2, 1, 5, 4)),
        new Attention(0.8, true, window, softcap), Tensor::of);
  }

  @Test
  void differentiatesAMoveOfRows() {
    // The last row of x stands for the last two of the result, on which nothing depends.
    Tensor there = Tensor.constant(HostTensor.ofLongs(Shape.of(5), 2, 0, 1, 3, 3));
    Tensor back = Tensor.constant(HostTensor.ofLongs(Shape.of(4), 1, 2, 0, 4));
    check(operands(dims(4, 3)), new Repack(),
        (op, x) -> Tensor.of(op, x.getFirst(), there, back).slice(0, 0, 3));
  }

  @Test
  void differentiatesAFurtherResultOfADecomposedComposite() {
    new GradientCheck("log of attention's denominator", SEED).operand(1, 2, 3, 2).operand(1, 2, 4, 2)
        .operand(1, 2, 4, 2).matches(x -> {
          Tensor mix = Tensor.of(new Decomposed(new Attention(0.8, false, 0, 0)), x);
          return mix.pick(1).plus(mix.sum(-1).reshape(1, 2, 3));
        });
  }

  @Test
  void differentiatesCrossEntropy() {
    Tensor labels = Tensor.constant(HostTensor.ofLongs(Shape.of(4), 2, 0, 4, 2));
    Tensor weights = Tensor.constant(HostTensor.ofDoubles(Shape.of(4), 1, 0, 0.5, 1));
    check(operands(dims(4, 5)), new CrossEntropy(), (op, x) -> Tensor.of(op, x.getFirst(), labels, weights));
  }

  @Test
  void differentiatesDropout() {
    Tensor step = Tensor.constant(HostTensor.ofLongs(Shape.of(), 3));
    check(operands(dims(5, 8)), new Dropout(0.4, 99), (op, x) -> Tensor.of(op, x.getFirst(), step));
  }

  @Test
  void differentiatesAdamW() {
    new GradientCheck("adamw", SEED).operand(4).operand(4).operand(4).operand(0.5, 1, 4)
        .operand(0.1, 0.2).operand(0.1, 0.2).operand(0.1, 0.2).operand(0.5, 1).operand(0.9, 1).matches(x -> {
          Tensor all = Tensor.of(new AdamW(0.9, 0.99, 1e-3), x);
          return all.plus(all.pick(1)).plus(all.pick(2));
        });
  }

  @Test
  void addsUpTheGradientOfABlockScale() {
    Tensor codes = Tensor.constant(HostTensor.ofBytes(DType.U8, Shape.of(3), (byte) 0x12, (byte) 0x31,
        (byte) 0x20));
    float[] book = new float[16];
    for (int i = 0; i < book.length; i++) {
      book[i] = i * 0.25f;
    }
    Tensor table = Tensor.constant(HostTensor.ofFloats(Shape.of(16), book));
    Tensor scales = Tensor.variable("scales", DType.F32, Shape.of(2));
    Tensor decoded = Tensor.of(new BlockDequantize(4, Shape.of(5), DType.F32), codes, scales, table);
    Tensor gradient = Gradients.of(decoded.sum().reshape(), List.of(scales)).gradients().getFirst()
        .orElseThrow();
    HostTensor value = Interpreter.run(gradient,
        Map.of("scales", HostTensor.ofFloats(Shape.of(2), 3, 4)));
    assertThat(value.toFloats()).containsExactly((1 + 2 + 3 + 1) * 0.25f, 2 * 0.25f);
  }
}
