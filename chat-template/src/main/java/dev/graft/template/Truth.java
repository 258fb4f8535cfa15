package dev.graft.template;

import java.util.List;
import java.util.Map;

/** Tells what counts as true, by Python's rules. */
final class Truth {
  private Truth() {
  }

  static boolean of(Object value) {
    return switch (value) {
      case None _ -> false;
      case Undefined _ -> false;
      case Boolean truth -> truth;
      case Long number -> number != 0;
      case Double number -> number != 0;
      case String text -> !text.isEmpty();
      case List<?> items -> !items.isEmpty();
      case Map<?, ?> entries -> !entries.isEmpty();
      case Tuple tuple -> !tuple.items().isEmpty();
      case View view -> !view.items().isEmpty();
      case Range range -> !range.items().isEmpty();
      case LoopState loop -> loop.length() > 0;
      case Object _ -> true;
    };
  }
}
