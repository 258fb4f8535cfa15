package dev.graft.template;

import java.util.List;
import java.util.Map;

/** Names the Python type of a value, for messages. */
final class TypeName {
  private TypeName() {
  }

  static String of(Object value) {
    return switch (value) {
      case None _ -> "None";
      case Undefined _ -> "an undefined value";
      case Boolean _ -> "bool";
      case Long _ -> "int";
      case Double _ -> "float";
      case String _ -> "str";
      case List<?> _ -> "list";
      case Tuple _ -> "tuple";
      case Map<?, ?> _ -> "dict";
      case View view -> view.kind();
      case Range _ -> "range";
      case OneTime _ -> "generator";
      case Namespace _ -> "namespace";
      case LoopState _ -> "loop";
      case Callable _ -> "function";
      case Object other -> other.getClass().getSimpleName();
    };
  }
}
