package dev.graft.data.dataset;

import dev.graft.error.GraftException;
import dev.graft.error.Nearest;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Holds a JSON object of a data set, and reads its fields with errors that say where they are.
 *
 * @param place the file and line
 * @param path where in the row the object is, such as {@code messages[2]}; empty for the row itself
 */
record Row(String place, String path, JsonNode object) {

  boolean has(String field) {
    return object.has(field) && !object.get(field).isNull();
  }

  List<String> fields() {
    return List.copyOf(object.propertyNames());
  }

  String text(String field) {
    JsonNode value = required(field);
    if (!value.isString()) {
      throw fault("the field \"" + path(field) + "\" must be a string, and is " + shown(value));
    }
    return value.stringValue();
  }

  /** Returns a text, or an empty one if the field is absent or null. */
  String optionalText(String field) {
    return has(field) ? text(field) : "";
  }

  private JsonNode required(String field) {
    if (!object.has(field)) {
      throw missing(field);
    }
    return object.get(field);
  }

  GraftException missing(String field) {
    Optional<String> nearest = Nearest.of(field, fields());
    String there = fields().isEmpty()
        ? "no fields"
        : "the fields \"" + String.join("\", \"", fields()) + "\"";
    return fault("the field \"" + path(field) + "\" is missing; there are " + there
        + nearest.map(name -> "; is \"" + name + "\" meant?").orElse(""));
  }

  /** Returns the objects of a list. */
  List<Row> objects(String field) {
    JsonNode list = required(field);
    if (!list.isArray()) {
      throw fault("the field \"" + path(field) + "\" must be a list, and is " + shown(list));
    }
    List<Row> rows = new ArrayList<>();
    for (JsonNode item : list.values()) {
      String at = path(field) + "[" + rows.size() + "]";
      if (!item.isObject()) {
        throw fault("\"" + at + "\" must be an object, and is " + shown(item));
      }
      rows.add(new Row(place, at, item));
    }
    return rows;
  }

  /** Returns a row that has the items of several lists in one, under a new name, beside its other fields. */
  Row joined(String name, String... lists) {
    ObjectNode joined = object.deepCopy().asObject();
    ArrayNode items = joined.putArray(name);
    for (String list : lists) {
      object.get(list).values().forEach(items::add);
      joined.remove(list);
    }
    return new Row(place, path, joined);
  }

  /** Returns the field as plain maps, lists and values. */
  @Nullable
  Object plain(String field) {
    return plain(required(field));
  }

  JsonNode node(String field) {
    return required(field);
  }

  static @Nullable Object plain(JsonNode node) {
    if (node.isObject()) {
      Map<String, @Nullable Object> map = new LinkedHashMap<>();
      node.properties().forEach(entry -> map.put(entry.getKey(), plain(entry.getValue())));
      return map;
    }
    if (node.isArray()) {
      List<@Nullable Object> list = new ArrayList<>();
      node.values().forEach(item -> list.add(plain(item)));
      return list;
    }
    if (node.isString()) {
      return node.stringValue();
    }
    if (node.isBoolean()) {
      return node.booleanValue();
    }
    if (node.isIntegralNumber()) {
      return node.canConvertToLong() ? (Object) node.longValue() : node.bigIntegerValue();
    }
    return node.isNumber() ? node.doubleValue() : null;
  }

  String path(String field) {
    return path.isEmpty() ? field : path + "." + field;
  }

  GraftException fault(String what) {
    return new GraftException(place + ": " + what);
  }

  GraftException fault(String what, Throwable cause) {
    return new GraftException(place + ": " + what, cause);
  }

  /** Describes a value by its type and its beginning. */
  static String shown(JsonNode value) {
    String text = value.toString();
    String cut = text.length() > 60 ? text.substring(0, text.offsetByCodePoints(0, 50)) + "…" : text;
    return switch (value.getNodeType()) {
      case ARRAY -> "a list: " + cut;
      case OBJECT -> "an object: " + cut;
      case STRING -> "a string: " + cut;
      case NUMBER -> "a number: " + cut;
      case BOOLEAN -> "a boolean: " + cut;
      case NULL -> "null";
      case BINARY, MISSING, POJO -> cut;
    };
  }
}
