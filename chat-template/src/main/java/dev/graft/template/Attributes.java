package dev.graft.template;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Looks up {@code value.name} and {@code value[key]}. The first prefers methods and the second entries, and
 * each tries the other, as Jinja does.
 */
final class Attributes {
  private static final Set<String> CHANGING = Set.of("append", "extend", "insert", "remove", "pop", "clear",
      "sort", "reverse", "update", "setdefault", "popitem");

  private Attributes() {
  }

  static Object attribute(Object target, String name, Budget budget) {
    ExpressionEvaluator.defined(target);
    Object method = method(target, name, budget);
    if (method != null) {
      return method;
    }
    Object entry = entry(target, name, budget);
    return entry == null ? missing(target, name) : entry;
  }

  /** Looks up {@code value.name} without entries: what the filter {@code attr} means. */
  static Object methodOnly(Object target, String name, Budget budget) {
    Object method = method(target, name, budget);
    return method == null ? missing(target, name) : method;
  }

  static Object item(Object target, Object key, Budget budget) {
    ExpressionEvaluator.defined(target);
    Object entry = entry(target, key, budget);
    if (entry != null) {
      return entry;
    }
    Object method = key instanceof String name ? method(target, name, budget) : null;
    return method == null ? missing(target, key) : method;
  }

  /** Returns an entry only, never a method: what filters mean by an attribute. */
  static Object path(Object target, Object path, Budget budget) {
    if (path instanceof Long index) {
      return item(target, index, budget);
    }
    Object value = target;
    for (Object part : PythonText.split(Shown.text(path, budget), ".", -1)) {
      String name = Shown.text(part, budget);
      boolean index = !name.isEmpty() && name.length() < 10
          && name.chars().allMatch(c -> c >= '0' && c <= '9');
      value = item(value, index ? Long.valueOf(name) : name, budget);
    }
    return value;
  }

  private static Undefined missing(Object target, Object key) {
    return new Undefined(key instanceof String name
        ? "'" + TypeName.of(target) + "' has no attribute '" + name + "'"
        : "'" + TypeName.of(target) + "' has no item " + Shown.brief(key));
  }

  private static @Nullable Object entry(Object target, Object key, Budget budget) {
    return switch (target) {
      case Map<?, ?> map -> isKey(key) ? map.get(key) : null;
      case List<?> list -> at(list, key);
      case Tuple tuple -> at(tuple.items(), key);
      case Range range -> at(range.items(), key);
      case String text when isIndex(key) -> {
        budget.charge(text.length());
        int length = PythonText.length(text);
        long index = Numbers.toLong(key);
        long from = index < 0 ? index + length : index;
        yield from < 0 || from >= length
            ? null
            : Character.toString(text.codePointAt(text.offsetByCodePoints(0, (int) from)));
      }
      case Object _ -> null;
    };
  }

  private static boolean isIndex(Object key) {
    return key instanceof Long || key instanceof Boolean;
  }

  private static @Nullable Object at(List<?> items, Object key) {
    if (!isIndex(key)) {
      return null;
    }
    long index = Numbers.toLong(key);
    long from = index < 0 ? index + items.size() : index;
    return from < 0 || from >= items.size() ? null : items.get((int) from);
  }

  private static @Nullable Object method(Object target, String name, Budget budget) {
    return switch (target) {
      case String text -> TextMethods.find(text, name, budget);
      case Map<?, ?> map -> mapMethod(map, name, budget);
      case List<?> list -> listMethod(list, name, budget);
      case Tuple tuple when name.equals("index") || name.equals("count") ->
        listMethod(tuple.items(), name, budget);
      case Namespace space -> space.attributes().get(name);
      case LoopState loop -> loop.attribute(name);
      case Object _ -> null;
    };
  }

  private static @Nullable Callable mapMethod(Map<?, ?> map, String name, Budget budget) {
    return switch (name) {
      case "items" -> arguments -> {
        arguments.bind("items");
        return new View("dict_items", items(map, budget));
      };
      case "keys" -> arguments -> {
        arguments.bind("keys");
        return new View("dict_keys", Sequences.items(map, budget));
      };
      case "values" -> arguments -> {
        arguments.bind("values");
        budget.charge(map.size(), Budget.ITEM);
        return new View("dict_values", new ArrayList<>(map.values()));
      };
      case "get" -> arguments -> {
        CallArguments.Bound bound = arguments.bind("get", "key", "default");
        Object value = map.get(key(bound.required("key")));
        return value == null ? bound.value("default", None.NONE) : value;
      };
      case "copy" -> _ -> map;
      default -> CHANGING.contains(name) && !map.containsKey(name) ? refusal("dict", name) : null;
    };
  }

  /** Returns the entries of a map as pairs. */
  static List<Object> items(Map<?, ?> map, Budget budget) {
    budget.charge(map.size(), 2 * Budget.ITEM);
    List<Object> items = new ArrayList<>();
    map.forEach((key, value) -> items.add(new Tuple(List.of(key, value))));
    return items;
  }

  private static @Nullable Callable listMethod(List<?> list, String name, Budget budget) {
    return switch (name) {
      case "index" -> arguments -> {
        Object wanted = arguments.bind("index", "value").required("value");
        List<Object> items = Sequences.items(list, budget);
        for (int i = 0; i < items.size(); i++) {
          if (Equality.of(items.get(i), wanted, budget)) {
            return (long) i;
          }
        }
        throw new TemplateFault(Shown.brief(wanted) + " is not in the list");
      };
      case "count" -> arguments -> {
        Object wanted = arguments.bind("count", "value").required("value");
        return Sequences.items(list, budget).stream().filter(item -> Equality.of(item, wanted, budget))
            .count();
      };
      case "copy" -> _ -> list;
      default -> CHANGING.contains(name) ? refusal("list", name) : null;
    };
  }

  /** The Hugging Face library renders in a sandbox where values cannot be changed; so does this. */
  private static Callable refusal(String type, String name) {
    return _ -> {
      throw new TemplateFault("a template may not change a " + type + " by '" + name
          + "'; use a namespace, or '+' for a longer list");
    };
  }

  /** Returns a value that may be the key of a dict. */
  static Object key(Object value) {
    if (!isKey(value)) {
      throw new TemplateFault(TypeName.of(value) + " cannot be the key of a dict");
    }
    return value;
  }

  static boolean isKey(Object value) {
    return value instanceof String || value instanceof None || value instanceof Undefined
        || Numbers.isNumber(value);
  }
}
