package dev.graft.backend.cuda;

import dev.graft.graph.Shape;

/** A node's result while a graph is translated: computed in memory, or yet to be computed where it is read. */
final class Value {
  private final Shape shape;
  private Expression expression;

  Value(Shape shape, Expression expression) {
    this.shape = shape;
    this.expression = expression;
  }

  Shape shape() {
    return shape;
  }

  Expression expression() {
    return expression;
  }

  void computed(View view) {
    expression = new Expression.Leaf(view);
  }
}
