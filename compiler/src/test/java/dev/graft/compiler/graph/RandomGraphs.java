package dev.graft.compiler.graph;

import dev.graft.graph.DType;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import dev.graft.graph.nn.Activation;
import dev.graft.graph.nn.RmsNorm;
import dev.graft.graph.nn.Softmax;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Grows random graphs of [3, 3] matrices whose nodes have many users. */
public final class RandomGraphs {
  private static final Shape SQUARE = Shape.of(3, 3);

  private final Random random;
  private final DType type;
  private final List<Tensor> pool = new ArrayList<>();
  private final List<Tensor> leaves = new ArrayList<>();

  /** Starts with three variables. */
  public RandomGraphs(Random random, DType type) {
    this.random = random;
    this.type = type;
    for (int i = 0; i < 3; i++) {
      leaves.add(Tensor.variable("w" + i, type, SQUARE));
    }
    pool.addAll(leaves);
  }

  /** Returns the variables. */
  public List<Tensor> variables() {
    return leaves;
  }

  /** Adds nodes whose derivatives exist everywhere, and returns the mean square of the last few. */
  public Tensor smoothLoss(int steps) {
    for (int i = 0; i < steps; i++) {
      pool.add(smooth(random.nextInt(18)));
    }
    return loss();
  }

  /** Adds nodes of all kinds, many of which passes can shorten, and returns the mean square of the last few. */
  public Tensor anyLoss(int steps) {
    for (int i = 0; i < steps; i++) {
      pool.add(random.nextBoolean() ? smooth(random.nextInt(18)) : redundant(random.nextInt(18)));
    }
    return loss();
  }

  private Tensor loss() {
    Tensor sum = pool.getLast();
    for (int i = 2; i <= 4; i++) {
      sum = sum.plus(pool.get(pool.size() - i));
    }
    return sum.square().mean().reshape();
  }

  private Tensor any() {
    return pool.get(random.nextInt(pool.size()));
  }

  private Tensor smooth(int kind) {
    Tensor x = any();
    return switch (kind) {
      case 0 -> x.plus(any());
      case 1 -> x.minus(any());
      case 2 -> x.times(any()).tanh();
      case 3 -> x.dividedBy(any().square().plus(1));
      case 4 -> x.sin();
      case 5 -> x.tanh();
      case 6 -> x.sigmoid();
      case 7 -> x.tanh().matmul(any(), random.nextBoolean(), random.nextBoolean()).times(0.3);
      case 8 -> x.permute(1, 0);
      case 9 -> x.sum(random.nextInt(2)).broadcastTo(SQUARE).times(0.3);
      case 10 -> x.plus(any().slice(0, 1, 2));
      case 11 -> Tensor.concat(1, List.of(x.slice(1, 2, 3), any().slice(1, 0, 2)));
      case 12 -> Softmax.of(x);
      case 13 -> RmsNorm.of(x, any().slice(0, 0, 1).reshape(3), 0.1, random.nextBoolean());
      case 14 -> Activation.of(Activation.Function.SILU, x);
      case 15 -> x.gather(0, Tensor.iota(3)).pad(0, 1, 0).slice(0, 0, 3);
      case 16 -> x.put(0, Tensor.iota(2), any().slice(0, 1, 3));
      default -> x.reshape(9).times(any().reshape(9).sigmoid()).reshape(3, 3);
    };
  }

  private Tensor redundant(int kind) {
    Tensor x = any();
    Shape other = Shape.of(9);
    return switch (kind) {
      case 0 -> x.times(Tensor.fill(1, type, SQUARE));
      case 1 -> Tensor.scalar(1, type).times(x);
      case 2 -> x.plus(random.nextBoolean() ? 0.0 : -0.0);
      case 3 -> x.minus(0.0);
      case 4 -> x.negate().negate();
      case 5 -> x.reshape(other).reshape(1, 9).reshape(SQUARE);
      case 6 -> x.permute(1, 0).permute(1, 0);
      case 7 -> x.permute(1, 0).matmul(any().permute(1, 0), random.nextBoolean(), false).tanh();
      case 8 -> x.cast(DType.F64).cast(type);
      case 9 -> x.cast(DType.BF16).cast(DType.F32).cast(type);
      case 10 -> x.plus(Tensor.scalar(0.1, type).plus(0.2).times(3).dividedBy(Tensor.scalar(7, type)));
      case 11 -> x.plus(Tensor.fill(2, type, Shape.of(1, 3)).broadcastTo(SQUARE));
      case 12 -> x.plus(any().slice(0, 0, 1).broadcastTo(SQUARE));
      case 13 -> Tensor.concat(0, List.of(x, any())).slice(0, 3, 6);
      case 14 -> Tensor.concat(0, List.of(x, any())).slice(0, 2, 6).slice(0, 0, 3);
      case 15 -> x.detach();
      case 16 -> Tensor.select(x.greaterThan(Tensor.fill(0, type, SQUARE)), any(), x.abs());
      default -> x.maximum(any()).minus(x.minimum(any()).exp().times(0.01));
    };
  }
}
