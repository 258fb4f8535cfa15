package dev.graft.template;

import dev.graft.template.CallArguments.Bound;
import java.time.Clock;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The functions that every template has, those of the Hugging Face library included. */
final class Globals {
  /** The longest range that Jinja's sandbox allows. */
  private static final long MAX_RANGE = 100_000;

  private final Budget budget;
  private final Clock clock;

  Globals(Budget budget, Clock clock) {
    this.budget = budget;
    this.clock = clock;
  }

  @Nullable
  Object find(String name) {
    return switch (name) {
      case "range" -> (Callable) this::range;
      case "dict" -> (Callable) arguments -> new LinkedHashMap<Object, Object>(merged("dict", arguments));
      case "namespace" -> (Callable) arguments -> new Namespace(merged("namespace", arguments));
      case "raise_exception" -> (Callable) this::raise;
      case "strftime_now" -> (Callable) arguments -> TimeFormat.format(
          Shown.text(arguments.bind("strftime_now", "format").required("format"), budget), clock, budget);
      case "cycler" -> (Callable) Globals::cycler;
      case "joiner" -> (Callable) Globals::joiner;
      default -> null;
    };
  }

  private Object range(CallArguments arguments) {
    Bound bound = arguments.bind("range", "a", "b", "c");
    bound.required("a");
    boolean two = bound.has("b");
    long start = two ? bound.integer("a", 0) : 0;
    long stop = two ? bound.integer("b", 0) : bound.integer("a", 0);
    long step = bound.integer("c", 1);
    if (step == 0) {
      throw new TemplateFault("the step of a range must not be 0");
    }
    List<Object> items = new ArrayList<>();
    for (long i = start; step > 0 ? i < stop : i > stop; i += step) {
      if (items.size() == MAX_RANGE) {
        throw new TemplateFault("a range has more than " + MAX_RANGE + " items");
      }
      items.add(i);
    }
    budget.charge(items.size(), Budget.ITEM);
    return new Range("range(" + start + ", " + stop + (step == 1 ? "" : ", " + step) + ")", items);
  }

  private Map<String, Object> merged(String function, CallArguments arguments) {
    Map<String, Object> entries = new LinkedHashMap<>();
    for (Object positional : arguments.positional()) {
      if (!(positional instanceof Map<?, ?> map)) {
        throw new TemplateFault(function + " takes named values or a dict, not " + TypeName.of(positional));
      }
      map.forEach((key, value) -> entries.put(Shown.text(key, budget), value));
    }
    entries.putAll(arguments.named());
    return entries;
  }

  /** Ends the rendering with the template's own words, which say what the messages lack. */
  private Object raise(CallArguments arguments) {
    throw new TemplateFault(
        Shown.text(arguments.bind("raise_exception", "message").required("message"), budget));
  }

  private static Object cycler(CallArguments arguments) {
    List<Object> values = arguments.positional();
    if (values.isEmpty()) {
      throw new TemplateFault("cycler needs at least one value");
    }
    int[] at = {0};
    Namespace cycler = new Namespace();
    cycler.attributes().put("current", values.getFirst());
    cycler.attributes().put("next", (Callable) _ -> {
      Object value = values.get(at[0]);
      at[0] = (at[0] + 1) % values.size();
      cycler.attributes().put("current", values.get(at[0]));
      return value;
    });
    cycler.attributes().put("reset", (Callable) _ -> {
      at[0] = 0;
      cycler.attributes().put("current", values.getFirst());
      return None.NONE;
    });
    return cycler;
  }

  private static Object joiner(CallArguments arguments) {
    Object separator = arguments.bind("joiner", "sep").value("sep", ", ");
    boolean[] used = {false};
    return (Callable) _ -> {
      Object value = used[0] ? separator : "";
      used[0] = true;
      return value;
    };
  }
}
