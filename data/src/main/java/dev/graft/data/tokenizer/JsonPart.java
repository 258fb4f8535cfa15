package dev.graft.data.tokenizer;

import dev.graft.error.GraftException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Holds a value of {@code tokenizer.json} with its place, so that a fault names both.
 *
 * @param path keys and indices from the top, such as {@code pre_tokenizer.pretokenizers[0].pattern.Regex}
 */
record JsonPart(Path file, String path, @Nullable Object value) {

  /** Returns the value of a key; its {@link #value} is null where the key is absent or null. */
  JsonPart part(String key) {
    String step = key.matches("\\w+") ? (path.isEmpty() ? key : "." + key) : "[\"" + key + "\"]";
    return new JsonPart(file, path + step, object().get(key));
  }

  boolean isAbsent() {
    return value == null;
  }

  Map<?, ?> object() {
    if (value instanceof Map<?, ?> map) {
      return map;
    }
    throw fault("must be an object, and is " + kind());
  }

  List<JsonPart> items() {
    if (!(value instanceof List<?> list)) {
      throw fault("must be a list, and is " + kind());
    }
    List<JsonPart> items = new ArrayList<>();
    for (int i = 0; i < list.size(); i++) {
      items.add(new JsonPart(file, path + "[" + i + "]", list.get(i)));
    }
    return items;
  }

  String text() {
    if (value instanceof String text) {
      return text;
    }
    throw fault("must be a string, and is " + kind());
  }

  boolean isTrue() {
    return Boolean.TRUE.equals(value);
  }

  /** Checks that the value is a whole number within bounds, both included. */
  long wholeNumber(long least, long most) {
    if (value instanceof Long number && number >= least && number <= most) {
      return number;
    }
    String shown = value instanceof Number ? String.valueOf(value) : kind();
    throw fault("must be a whole number from " + least + " to " + most + ", and is " + shown);
  }

  /**
   * Returns the type of a component, by its {@code "type"}, and checks that its fields are there.
   *
   * @param known the types that the native library has for such a component
   */
  <T extends ComponentType> T component(T[] known) {
    object();
    String name = part("type").isAbsent() ? "" : part("type").text();
    T type = Arrays.stream(known).filter(one -> one.layout().label().equals(name)).findFirst()
        .orElseThrow(() -> unknown(name, known));
    for (String field : type.layout().fields()) {
      if (part(field).isAbsent()) {
        throw fault("is a " + name + " and lacks \"" + field + "\"");
      }
    }
    return type;
  }

  private GraftException unknown(String name, ComponentType[] known) {
    String names = Arrays.stream(known).map(type -> type.layout().label()).collect(Collectors.joining(", "));
    return fault(
        (name.isEmpty() ? "has no \"type\"" : "has the unknown type \"" + name + "\"") + "; there are "
            + names);
  }

  /**
   * Checks that there are no other fields. Where the native library chooses by fields and not by the type, it
   * would take a component for something else than what was checked.
   */
  void hasOnly(Set<String> fields) {
    for (Object key : object().keySet()) {
      if (!fields.contains(key) && !"type".equals(key)) {
        throw fault("has the field \"" + key + "\", which does not belong there; there are "
            + String.join(", ", new TreeSet<>(fields)));
      }
    }
  }

  /** Builds an exception with the file and the place in front. */
  GraftException fault(String what) {
    return new GraftException(file + ": " + (path.isEmpty() ? "the content" : path) + " " + what
        + ". Mend it, or copy the file again from where the model comes from");
  }

  private String kind() {
    return switch (value) {
      case null -> "absent";
      case Map<?, ?> map -> "an object";
      case List<?> list -> "a list";
      case String text -> "a string";
      case Boolean flag -> String.valueOf(flag);
      default -> "a number";
    };
  }
}
