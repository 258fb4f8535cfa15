package dev.graft.template;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Turns Java's values into those of templates. */
final class Imported {
  private Imported() {
  }

  static Object value(@Nullable Object value) {
    return switch (value) {
      case null -> None.NONE;
      case String text -> text;
      case Boolean truth -> truth;
      case BigInteger big -> big.bitLength() < Long.SIZE ? big.longValue() : (Object) big.doubleValue();
      case Float number -> number.doubleValue();
      case Double number -> number;
      case Number number -> number.longValue();
      case Message message -> value(message.seen());
      case Map<?, ?> map -> {
        Map<Object, Object> entries = new LinkedHashMap<>();
        map.forEach((key, entry) -> entries.put(value(key), value(entry)));
        yield entries;
      }
      case Collection<?> collection -> {
        List<Object> items = new ArrayList<>();
        collection.forEach(item -> items.add(value(item)));
        yield items;
      }
      default -> throw new IllegalArgumentException("A template cannot use a " + value.getClass().getName());
    };
  }
}
