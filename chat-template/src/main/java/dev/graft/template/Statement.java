package dev.graft.template;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** Holds one piece of a template: text, an output or a block. */
sealed interface Statement {
  record Text(String text) implements Statement {}

  record Output(Expression expression, int line) implements Statement {}

  record Assign(Target target, Expression value, int line) implements Statement {}

  /** Assigns what the body renders, after the filters. */
  record AssignBlock(Target target, List<Expression.Filter> filters, List<Statement> body, int line)
      implements
        Statement {}

  record FilterBlock(List<Expression.Filter> filters, List<Statement> body, int line) implements Statement {}

  record For(Target target, Expression items, @Nullable Expression condition, List<Statement> body,
      List<Statement> otherwise, int line) implements Statement {}

  record If(List<Branch> branches, List<Statement> otherwise) implements Statement {}

  record Branch(Expression condition, List<Statement> body) {}

  record Macro(String name, List<Parameter> parameters, List<Statement> body, int line)
      implements
        Statement {}

  record Parameter(String name, @Nullable Expression fallback) {}

  /** Calls a macro with the body as its {@code caller}. */
  record CallBlock(Expression.Call call, Macro caller, int line) implements Statement {}

  /** Renders the body in a scope of its own, with the assignments made first. */
  record Scoped(List<Assign> assignments, List<Statement> body) implements Statement {}

  /** Marks the text that an assistant wrote, which a model is to learn. */
  record Generation(List<Statement> body) implements Statement {}

  record Break(int line) implements Statement {}

  record Continue(int line) implements Statement {}

  /** Names what an assignment or a loop binds. */
  sealed interface Target {
  }

  record NameTarget(String name) implements Target {}

  record TupleTarget(List<Target> parts) implements Target {}

  record NamespaceTarget(String name, String attribute) implements Target {}
}
