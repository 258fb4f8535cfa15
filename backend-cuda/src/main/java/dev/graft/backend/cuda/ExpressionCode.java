package dev.graft.backend.cuda;

import dev.graft.graph.DType;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Writes the code that computes an expression at one place of a walk. What it reads is numbered: stream j is
 * read from parameter {@code aj} at {@code xj}. Numbers are passed, not written, so that equal formulas have
 * equal sources.
 */
final class ExpressionCode {
  /**
   * Something that is walked through.
   *
   * @param layout how
   * @param view what; a place's is only counted
   */
  record Stream(Layout layout, Expression source) {
    boolean isRead() {
      return source instanceof Expression.Leaf;
    }
  }

  private final List<Stream> streams = new ArrayList<>();
  private final Map<Expression, Integer> known = new LinkedHashMap<>();
  private final Map<Long, Integer> numbers = new LinkedHashMap<>();
  private final StringBuilder lines = new StringBuilder();
  private final Map<Expression, String> written = new LinkedHashMap<>();
  private final Expression root;
  private int count;

  ExpressionCode(Expression root) {
    this.root = root;
    visit(root);
  }

  private void visit(Expression expression) {
    switch (expression) {
      case Expression.Leaf leaf -> stream(leaf, leaf.view().layout());
      case Expression.Place place -> stream(place, place.layout());
      case Expression.Number number ->
        numbers.putIfAbsent(Types.bits(number.value(), number.dtype()), numbers.size());
      case Expression.Apply apply -> apply.operands().forEach(this::visit);
    }
  }

  private void stream(Expression source, Layout layout) {
    if (known.putIfAbsent(source, streams.size()) == null) {
      streams.add(new Stream(layout, source));
    }
  }

  List<Stream> streams() {
    return streams;
  }

  /** Returns the words that the structure's fields {@code c0}, {@code c1}, … take. */
  List<Long> numbers() {
    return List.copyOf(numbers.keySet());
  }

  /** Writes the fields of those words. */
  String numberFields() {
    StringBuilder fields = new StringBuilder();
    for (int i = 0; i < numbers.size(); i++) {
      fields.append("i64 c").append(i).append(";");
    }
    return fields.toString();
  }

  /** Writes the parameters of what is read. */
  String parameters() {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < streams.size(); i++) {
      if (streams.get(i).isRead()) {
        text.append("const ").append(Types.stored(streams.get(i).source().dtype())).append("* __restrict__ a")
            .append(i).append(",");
      }
    }
    return text.toString();
  }

  List<Argument> arguments() {
    List<Argument> arguments = new ArrayList<>();
    for (Stream stream : streams) {
      if (stream.source() instanceof Expression.Leaf(View view)) {
        arguments.add(view.address());
      }
    }
    return arguments;
  }

  /** Writes the computation into {@link #lines}; returns the name of the result, of the computed type. */
  String value() {
    return write(root);
  }

  String lines() {
    return lines.toString();
  }

  private String write(Expression expression) {
    String before = written.get(expression);
    if (before != null) {
      return before;
    }
    String name = switch (expression) {
      case Expression.Leaf leaf -> "l" + known.get(leaf);
      case Expression.Place place -> "l" + known.get(place);
      case Expression.Number number -> define(number.dtype(), Types.number(number.dtype(),
          "p.c" + numbers.get(Types.bits(number.value(), number.dtype()))));
      case Expression.Apply apply -> {
        List<String> operands = apply.operands().stream().map(this::write).toList();
        List<DType> types = apply.operands().stream().map(Expression::dtype).toList();
        String code = Functions.write(apply.op(), apply.dtype(), types, operands);
        yield define(apply.dtype(), Types.round(apply.dtype(), code));
      }
    };
    written.put(expression, name);
    return name;
  }

  private String define(DType type, String code) {
    String name = "t" + count++;
    lines.append("const ").append(Types.computed(type)).append(" ").append(name).append("=").append(code)
        .append(";\n");
    return name;
  }
}
