package dev.graft.template;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** Holds the variable {@code loop} of a running loop. */
final class LoopState {
  private final List<Object> items;
  private final Budget budget;
  private int index;
  private @Nullable Object lastChecked;

  LoopState(List<Object> items, Budget budget) {
    this.items = items;
    this.budget = budget;
  }

  void moveTo(int next) {
    index = next;
  }

  int length() {
    return items.size();
  }

  Object attribute(String name) {
    return switch (name) {
      case "index" -> index + 1L;
      case "index0" -> (long) index;
      case "revindex" -> (long) items.size() - index;
      case "revindex0" -> (long) items.size() - index - 1;
      case "first" -> index == 0;
      case "last" -> index == items.size() - 1;
      case "length" -> (long) items.size();
      // Depth counts the levels of a recursive loop, which there are none of.
      case "depth" -> 1L;
      case "depth0" -> 0L;
      case "previtem" -> index == 0 ? new Undefined("there is no previous item") : items.get(index - 1);
      case "nextitem" -> index + 1 == items.size()
          ? new Undefined("there is no next item")
          : items.get(index + 1);
      case "cycle" -> (Callable) this::cycle;
      case "changed" -> (Callable) this::changed;
      default -> new Undefined("'loop' has no attribute '" + name + "'");
    };
  }

  private Object cycle(CallArguments arguments) {
    if (arguments.positional().isEmpty()) {
      throw new TemplateFault("loop.cycle needs at least one value");
    }
    return arguments.positional().get(index % arguments.positional().size());
  }

  private Object changed(CallArguments arguments) {
    Object now = new Tuple(arguments.positional());
    boolean changed = lastChecked == null || !Equality.of(lastChecked, now, budget);
    lastChecked = now;
    return changed;
  }
}
