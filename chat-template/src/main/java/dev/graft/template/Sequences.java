package dev.graft.template;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Goes through values, measures them and takes parts of them, as Python does. */
final class Sequences {
  private Sequences() {
  }

  /** Returns the items that a loop over the value sees. */
  static List<Object> items(Object value, Budget budget) {
    List<Object> items = switch (value) {
      case Undefined _ -> List.of();
      case String text -> {
        budget.charge(text.length(), Budget.ITEM);
        yield characters(text);
      }
      case List<?> list -> asObjects(list);
      case Tuple tuple -> tuple.items();
      case Map<?, ?> map -> asObjects(map.keySet());
      case View view -> view.items();
      case Range range -> range.items();
      case OneTime rest -> {
        List<Object> drained = new ArrayList<>();
        rest.forEachRemaining(drained::add);
        yield drained;
      }
      case Object other ->
        throw new TemplateFault("there are no items in " + TypeName.of(other) + "; a list was expected");
    };
    budget.charge(items.size(), Budget.ITEM);
    return items;
  }

  static boolean isIterable(Object value) {
    return switch (value) {
      case Undefined _ -> true;
      case String _ -> true;
      case List<?> _ -> true;
      case Tuple _ -> true;
      case Map<?, ?> _ -> true;
      case View _ -> true;
      case Range _ -> true;
      case OneTime _ -> true;
      case LoopState _ -> true;
      case Object _ -> false;
    };
  }

  private static List<Object> asObjects(Iterable<?> values) {
    List<Object> objects = new ArrayList<>();
    values.forEach(value -> objects.add(value == null ? None.NONE : value));
    return objects;
  }

  private static List<Object> characters(String text) {
    List<Object> characters = new ArrayList<>();
    text.codePoints().forEach(c -> characters.add(Character.toString(c)));
    return characters;
  }

  static long length(Object value) {
    return switch (value) {
      case Undefined _ -> 0;
      case String text -> PythonText.length(text);
      case List<?> list -> list.size();
      case Tuple tuple -> tuple.items().size();
      case Map<?, ?> map -> map.size();
      case View view -> view.items().size();
      case Range range -> range.items().size();
      case LoopState loop -> loop.length();
      case Object other -> throw new TemplateFault(TypeName.of(other) + " has no length");
    };
  }

  /** Returns {@code value[start:stop:step]}. */
  static Object slice(Object value, @Nullable Long start, @Nullable Long stop, long step, Budget budget) {
    return switch (value) {
      case String text -> {
        budget.charge(text.length(), 4);
        int[] points = text.codePoints().toArray();
        StringBuilder part = new StringBuilder();
        for (long i : indices(points.length, start, stop, step)) {
          part.appendCodePoint(points[(int) i]);
        }
        yield part.toString();
      }
      case List<?> list -> part(asObjects(list), start, stop, step, budget);
      case Tuple tuple -> new Tuple(part(tuple.items(), start, stop, step, budget));
      case Range range -> part(range.items(), start, stop, step, budget);
      case Undefined undefined -> throw new TemplateFault(undefined.why());
      case Object other -> throw new TemplateFault("there is no part of " + TypeName.of(other));
    };
  }

  private static List<Object> part(List<Object> items, @Nullable Long start, @Nullable Long stop, long step,
      Budget budget) {
    budget.charge(items.size(), Budget.ITEM);
    List<Object> part = new ArrayList<>();
    for (long i : indices(items.size(), start, stop, step)) {
      part.add(items.get((int) i));
    }
    return part;
  }

  private static long[] indices(int length, @Nullable Long start, @Nullable Long stop, long step) {
    if (step == 0) {
      throw new TemplateFault("the step of a slice must not be 0");
    }
    boolean forward = step > 0;
    long lowest = forward ? 0 : -1;
    long highest = forward ? length : length - 1L;
    long from = start == null ? forward ? lowest : highest : clamped(start, length, lowest, highest);
    long to = stop == null ? forward ? highest : lowest : clamped(stop, length, lowest, highest);
    List<Long> indices = new ArrayList<>();
    // The distance is at most the length, so one step beyond the end cannot overflow unless it is huge.
    long stride = forward ? Math.min(step, length + 1L) : Math.max(step, -(length + 1L));
    for (long i = from; forward ? i < to : i > to; i += stride) {
      indices.add(i);
    }
    return indices.stream().mapToLong(Long::longValue).toArray();
  }

  private static long clamped(long index, int length, long lowest, long highest) {
    return Math.clamp(index < 0 ? index + length : index, lowest, highest);
  }

  /** Tells whether {@code part in whole} holds. */
  static boolean contains(Object whole, Object part, Budget budget) {
    return switch (whole) {
      case String text -> {
        if (!(part instanceof String wanted)) {
          throw new TemplateFault("'in' a string needs a string on the left, not " + TypeName.of(part));
        }
        PythonText.chargeSearch(text, wanted, budget);
        yield text.contains(wanted);
      }
      case Map<?, ?> map -> map.containsKey(Attributes.key(part));
      case Object other -> items(other, budget).stream().anyMatch(item -> Equality.of(item, part, budget));
    };
  }
}
