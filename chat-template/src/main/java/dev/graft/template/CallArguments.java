package dev.graft.template;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Holds the evaluated arguments of a call, a filter or a test. */
record CallArguments(List<Object> positional, Map<String, Object> named) {
  static final CallArguments NONE = new CallArguments(List.of(), Map.of());

  static CallArguments of(Object... positional) {
    return new CallArguments(List.of(positional), Map.of());
  }

  /** Gives the arguments the names of the parameters, as Python does for a function of that signature. */
  Bound bind(String function, String... parameters) {
    if (positional.size() > parameters.length) {
      throw new TemplateFault(function + " takes at most " + parameters.length + " arguments, not "
          + positional.size());
    }
    Map<String, Object> values = new LinkedHashMap<>();
    for (int i = 0; i < positional.size(); i++) {
      values.put(parameters[i], positional.get(i));
    }
    for (Map.Entry<String, Object> argument : named.entrySet()) {
      if (!List.of(parameters).contains(argument.getKey())) {
        throw new TemplateFault(function + " has no parameter '" + argument.getKey() + "'; it has "
            + (parameters.length == 0 ? "none" : String.join(", ", parameters)));
      }
      if (values.put(argument.getKey(), argument.getValue()) != null) {
        throw new TemplateFault(function + " is given '" + argument.getKey() + "' twice");
      }
    }
    return new Bound(function, values);
  }

  /** Returns the arguments without the first positional one. */
  CallArguments rest() {
    return new CallArguments(positional.subList(1, positional.size()), named);
  }

  /** Returns the arguments with another named one. */
  CallArguments with(String name, Object value) {
    Map<String, Object> all = new LinkedHashMap<>(named);
    all.put(name, value);
    return new CallArguments(positional, all);
  }

  /** Holds arguments by the names of the parameters. */
  record Bound(String function, Map<String, Object> values) {
    boolean has(String parameter) {
      return values.containsKey(parameter);
    }

    Object required(String parameter) {
      Object value = values.get(parameter);
      if (value == null) {
        throw new TemplateFault(function + " needs the argument '" + parameter + "'");
      }
      return value;
    }

    Object value(String parameter, Object fallback) {
      return values.getOrDefault(parameter, fallback);
    }

    String text(String parameter, String fallback) {
      Object value = value(parameter, fallback);
      if (value instanceof String text) {
        return text;
      }
      throw wrongType(parameter, "a string", value);
    }

    long integer(String parameter, long fallback) {
      return switch (value(parameter, fallback)) {
        case Long number -> number;
        case Boolean truth -> truth ? 1 : 0;
        case Object value -> throw wrongType(parameter, "a whole number", value);
      };
    }

    boolean truth(String parameter) {
      return Truth.of(value(parameter, false));
    }

    private TemplateFault wrongType(String parameter, String wanted, Object value) {
      return new TemplateFault("'" + parameter + "' of " + function + " must be " + wanted + ", not "
          + TypeName.of(value));
    }
  }
}
