package dev.graft.backend.cuda;

import dev.graft.graph.DType;
import dev.graft.graph.Primitive;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;

/**
 * A value that is computed element by element where it is read. Moving its elements moves what it reads.
 */
sealed interface Expression {
  DType dtype();

  /** An element of a tensor in memory. */
  record Leaf(View view) implements Expression {
    @Override
    public DType dtype() {
      return view.dtype();
    }
  }

  /** The element's own place, counted by a layout. */
  record Place(Layout layout, DType dtype) implements Expression {}

  /** One number for all elements. */
  record Number(double value, DType dtype) implements Expression {}

  /** A function of other elements at the same place, rounded to its type. */
  record Apply(Primitive op, DType dtype, List<Expression> operands) implements Expression {
    public Apply {
      operands = List.copyOf(operands);
    }
  }

  /** Moves all that is read, if each can be moved so. */
  default Optional<Expression> moved(Function<Layout, Optional<Layout>> move) {
    return switch (this) {
      case Leaf leaf -> move.apply(leaf.view.layout()).map(layout -> new Leaf(leaf.view.with(layout)));
      case Place place -> move.apply(place.layout).map(layout -> new Place(layout, place.dtype));
      case Number number -> Optional.of(number);
      case Apply apply -> {
        List<Expression> operands = new ArrayList<>();
        for (Expression operand : apply.operands) {
          Optional<Expression> moved = operand.moved(move);
          if (moved.isEmpty()) {
            yield Optional.empty();
          }
          operands.add(moved.get());
        }
        yield Optional.of(new Apply(apply.op, apply.dtype, operands));
      }
    };
  }

  /** Returns the number of functions applied. */
  default int operations() {
    return switch (this) {
      case Leaf _,Place _,Number _ -> 0;
      case Apply apply -> 1 + apply.operands.stream().mapToInt(Expression::operations).sum();
    };
  }

  /** Adds all tensors that are read. */
  default void collect(List<View> leaves) {
    switch (this) {
      case Leaf leaf -> leaves.add(leaf.view);
      case Place _,Number _ -> {
      }
      case Apply apply -> apply.operands.forEach(operand -> operand.collect(leaves));
    }
  }
}
