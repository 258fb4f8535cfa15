package dev.graft.core.graphs;

import dev.graft.graph.Graph;
import dev.graft.graph.Primitive;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import dev.graft.graph.nn.Activation;
import dev.graft.graph.nn.GatedActivation;
import dev.graft.graph.nn.LayerNorm;
import dev.graft.graph.nn.RmsNorm;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Takes chosen rows of hidden states before anything is computed of the others in vain: what comes after the
 * last layer's attention treats every position by itself, and matters only where there is a label.
 *
 * <p>
 * Rows are picked from values that mix positions, and from those that such values need whole; what leads from
 * there to the hidden states is rebuilt over the chosen rows alone.
 */
final class ChosenRows {
  private final Tensor at;
  private final long positions;
  /** What depends on the batch, so that a first axis as long as there are positions is one of positions. */
  private final Set<Tensor> fed = new HashSet<>();
  private final Set<Tensor> rebuilt = new HashSet<>();
  private final Map<Tensor, Tensor> chosen = new HashMap<>();

  private ChosenRows(Tensor hidden, Tensor at) {
    this.at = at;
    this.positions = positions(hidden);
  }

  /** Returns how many positions hidden states [batch, seq, hidden] are of. */
  static long positions(Tensor hidden) {
    return hidden.dim(0) * hidden.dim(1);
  }

  /**
   * Picks as early as possible.
   *
   * @param hidden [batch, seq, hidden]
   * @param at indices I64 [count] of positions, counted through all rows
   */
  static ChosenRows early(Tensor hidden, Tensor at) {
    ChosenRows rows = new ChosenRows(hidden, at);
    for (Tensor node : Graph.reach(List.of(hidden))) {
      if (node.op() instanceof Primitive.Input || node.inputs().stream().anyMatch(rows.fed::contains)) {
        rows.fed.add(node);
      }
    }
    Set<Tensor> whole = rows.explore(hidden);
    rows.rebuilt.removeAll(new HashSet<>(Graph.reach(List.copyOf(whole))));
    return rows;
  }

  /** Picks from the hidden states themselves. */
  static ChosenRows late(Tensor hidden, Tensor at) {
    return new ChosenRows(hidden, at);
  }

  /** Tells whether nothing but the chosen rows of a value is needed. */
  boolean suffice(Tensor value) {
    return rebuilt.contains(value);
  }

  /** Returns the chosen rows of a value [positions.., rest..]: [count, rest..]. */
  Tensor of(Tensor value) {
    Tensor known = chosen.get(value);
    if (known == null) {
      known = suffice(value)
          ? rebuild(value)
          : value.reshape(withRows(value, positions)).gather(0, at);
      chosen.put(value, known);
    }
    return known;
  }

  /** Finds what could be rebuilt, and returns the values at which that ends. */
  private Set<Tensor> explore(Tensor hidden) {
    Set<Tensor> ends = new HashSet<>();
    Deque<Tensor> open = new ArrayDeque<>(List.of(hidden));
    while (!open.isEmpty()) {
      Tensor value = open.pop();
      if (!isRowwise(value)) {
        ends.add(value);
      } else if (rebuilt.add(value)) {
        value.inputs().stream().filter(input -> !isSameForAll(value, input)).forEach(open::push);
      }
    }
    return ends;
  }

  private boolean isRowwise(Tensor value) {
    int leading = leading(value);
    return leading > 0 && switch (value.op()) {
      case Primitive.Reshape _ -> leading(value.input(0)) > 0;
      case Primitive.Slice slice -> slice.axis() >= leading;
      case Primitive.MatMul product -> !product.transposeA() && value.shape().rank() == 2
          && leading(value.input(0)) == 1 && !fed.contains(value.input(1));
      case Primitive.Unary _,Primitive.Cast _,Primitive.Binary _ -> value.inputs().stream()
          .allMatch(input -> isSameForAll(value, input) || isBeside(value, input));
      case RmsNorm _,LayerNorm _,Activation _,GatedActivation _ -> leading < value.shape().rank();
      default -> false;
    };
  }

  /** Tells whether an operand has the axes of positions that a result has. */
  private boolean isBeside(Tensor value, Tensor input) {
    return input.shape().rank() == value.shape().rank() && leading(input) == leading(value);
  }

  /** Tells whether every row of a result takes the same of an operand. */
  private boolean isSameForAll(Tensor value, Tensor input) {
    return switch (value.op()) {
      case Primitive.Reshape _ -> false;
      case Primitive.MatMul _ -> input == value.input(1);
      default -> {
        int stretched = input.shape().rank() - value.shape().rank() + leading(value);
        yield Arrays.stream(input.shape().dims()).limit(Math.max(0, stretched)).allMatch(dim -> dim == 1);
      }
    };
  }

  private Tensor rebuild(Tensor value) {
    return switch (value.op()) {
      case Primitive.Reshape _ -> of(value.input(0)).reshape(withRows(value, at.dim(0)));
      case Primitive.Slice slice ->
        of(value.input(0)).slice(slice.axis() - leading(value) + 1, slice.from(), slice.to());
      case Primitive.MatMul product ->
        Tensor.at(value.site(), product, List.of(of(value.input(0)), value.input(1)));
      default -> Tensor.at(value.site(), value.op(), value.inputs().stream()
          .map(input -> isSameForAll(value, input) ? withoutRows(value, input) : of(input)).toList());
    };
  }

  /** Returns a value's shape with one axis of so many rows in the place of its positions. */
  private Shape withRows(Tensor value, long rows) {
    int leading = leading(value);
    long[] dims = new long[value.shape().rank() - leading + 1];
    dims[0] = rows;
    System.arraycopy(value.shape().dims(), leading, dims, 1, dims.length - 1);
    return Shape.of(dims);
  }

  /** Takes axes of length 1 off an operand that would be stretched along positions. */
  private Tensor withoutRows(Tensor value, Tensor input) {
    int rest = value.shape().rank() - leading(value);
    int extra = Math.max(0, input.shape().rank() - rest);
    return input.reshape(Shape.of(Arrays.copyOfRange(input.shape().dims(), extra, input.shape().rank())));
  }

  /** Returns how many of the first axes are positions; 0 if they are not. */
  private int leading(Tensor value) {
    long size = 1;
    for (int axis = 0; axis < value.shape().rank(); axis++) {
      size *= value.dim(axis);
      if (size == positions) {
        return axis + 1;
      }
    }
    return 0;
  }
}
