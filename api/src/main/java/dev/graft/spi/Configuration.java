package dev.graft.spi;

import dev.graft.error.GraftException;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apiguardian.api.API;

/**
 * Reads a JSON object field by field and collects all faults, so that users see them at once. An absent field
 * and a null one are the same.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class Configuration {
  private final String source;
  private final String path;
  private final Map<String, Object> values;
  private final Set<String> read = new LinkedHashSet<>();
  private final Set<String> faults;

  /**
   * Creates a reader.
   *
   * @param source what error messages call it, such as a file's path
   * @param values numbers as Long or Double, texts, booleans, lists, maps, and null
   */
  public Configuration(String source, Map<String, ?> values) {
    this(source, "", values, new LinkedHashSet<>());
  }

  private Configuration(String source, String path, Map<String, ?> values, Set<String> faults) {
    this.source = source;
    this.path = path;
    this.values = Collections.unmodifiableMap(new LinkedHashMap<>(values));
    this.faults = faults;
  }

  /** Returns what error messages call this configuration. */
  public String source() {
    return source;
  }

  /** Returns all fields as they are. */
  public Map<String, Object> values() {
    return values;
  }

  /** Tells whether a field is there and not null. */
  public boolean has(String key) {
    return value(key).isPresent();
  }

  /** Returns a field as it is. */
  public Optional<Object> value(String key) {
    read.add(key);
    return Optional.ofNullable(values.get(key));
  }

  /** Reads a whole number, or the fallback if absent. */
  public long integer(String key, long fallback) {
    return optionalInteger(key).orElse(fallback);
  }

  /** Reads a whole number that must be there. */
  public long integer(String key) {
    return has(key) ? optionalInteger(key).orElse(0L) : missing(key, 0L);
  }

  /** Reads a whole number that may be absent. */
  public Optional<Long> optionalInteger(String key) {
    return value(key).flatMap(v -> switch (v) {
      case Long l -> Optional.of(l);
      case Integer i -> Optional.of(i.longValue());
      case Double d when d == Math.rint(d) && Math.abs(d) < 1L << 53 -> Optional.of(d.longValue());
      default -> wrong(key, "a whole number", v);
    });
  }

  /** Reads a number, or the fallback if absent. */
  public double number(String key, double fallback) {
    return value(key).<Double>flatMap(
        v -> v instanceof Number n && Double.isFinite(n.doubleValue())
            ? Optional.of(n.doubleValue())
            : wrong(key, "a number", v))
        .orElse(fallback);
  }

  /** Reads a truth value, or the fallback if absent. */
  public boolean flag(String key, boolean fallback) {
    return value(key)
        .<Boolean>flatMap(v -> v instanceof Boolean b ? Optional.of(b) : wrong(key, "true or false", v))
        .orElse(fallback);
  }

  /** Reads a text, or the fallback if absent. */
  public String text(String key, String fallback) {
    return optionalText(key).orElse(fallback);
  }

  /** Reads a text that may be absent. */
  public Optional<String> optionalText(String key) {
    return value(key).flatMap(v -> v instanceof String s ? Optional.of(s) : wrong(key, "a text", v));
  }

  /** Reads a list of texts; a single text counts as a list of one; absent is empty. */
  public List<String> texts(String key) {
    Object v = value(key).orElse(List.of());
    if (v instanceof String s) {
      return List.of(s);
    }
    if (v instanceof Collection<?> list && list.stream().allMatch(String.class::isInstance)) {
      return list.stream().map(String.class::cast).toList();
    }
    wrong(key, "a list of texts", v);
    return List.of();
  }

  /** Reads a list of whole numbers; a single one counts as a list of one; absent is empty. */
  public List<Integer> integers(String key) {
    Object v = value(key).orElse(List.of());
    if (v instanceof Long || v instanceof Integer) {
      return List.of(((Number) v).intValue());
    }
    if (v instanceof Collection<?> list
        && list.stream().allMatch(x -> x instanceof Long || x instanceof Integer)) {
      return list.stream().map(x -> ((Number) x).intValue()).toList();
    }
    wrong(key, "a list of whole numbers", v);
    return List.of();
  }

  /** Reads an object whose values are numbers, in its order; absent is empty. */
  public Map<String, Double> numbers(String key) {
    Map<String, Double> out = new LinkedHashMap<>();
    Object v = value(key).orElse(Map.of());
    if (!(v instanceof Map<?, ?> map)) {
      wrong(key, "an object", v);
      return out;
    }
    map.forEach((k, x) -> {
      if (x instanceof Number n) {
        out.put(String.valueOf(k), n.doubleValue());
      } else {
        wrong(key + "." + k, "a number", x);
      }
    });
    return out;
  }

  /** Reads an object as a configuration of its own, whose faults count here too; absent is empty. */
  public Optional<Configuration> section(String key) {
    return value(key).flatMap(v -> {
      if (!(v instanceof Map<?, ?> map)) {
        return wrong(key, "an object", v);
      }
      Map<String, Object> fields = new LinkedHashMap<>();
      map.forEach((k, x) -> fields.put(String.valueOf(k), x));
      return Optional.of(new Configuration(source, path + key + ".", fields, faults));
    });
  }

  /** Adds a fault of a field; the same one again is not added. */
  public void fault(String key, String message) {
    faults.add("\"" + path + key + "\" " + message);
  }

  /** Returns the fields that nobody has asked for. */
  public Set<String> unread() {
    Set<String> rest = new LinkedHashSet<>(values.keySet());
    rest.removeAll(read);
    return rest;
  }

  /**
   * Ends the reading.
   *
   * @throws GraftException with every fault, if there are any
   */
  public void finish() {
    if (!faults.isEmpty()) {
      throw new GraftException(source + ": " + String.join("; ", faults));
    }
  }

  private <T> Optional<T> wrong(String key, String wanted, Object found) {
    fault(key, "must be " + wanted + ", not " + (found instanceof String s ? "\"" + s + "\"" : found));
    return Optional.empty();
  }

  private <T> T missing(String key, T standIn) {
    fault(key, "is missing");
    return standIn;
  }
}
