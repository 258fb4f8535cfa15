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
import org.jspecify.annotations.Nullable;

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
  private final Set<String> notes;
  private final boolean stored;

  /**
   * Creates a reader of settings that a user chose.
   *
   * @param source what error messages call it, such as a file's path
   * @param values numbers as Long or Double, strings, booleans, lists, maps, and null
   */
  public Configuration(String source, Map<String, ?> values) {
    this(source, "", values, new LinkedHashSet<>(), new LinkedHashSet<>(), false);
  }

  private Configuration(String source, String path, Map<String, ?> values, Set<String> faults,
      Set<String> notes, boolean stored) {
    this.source = source;
    this.path = path;
    this.values = Collections.unmodifiableMap(new LinkedHashMap<>(values));
    this.faults = faults;
    this.notes = notes;
    this.stored = stored;
  }

  /**
   * Creates a reader of an adapter's stored configuration.
   *
   * @param source what error messages call it, such as a file's path
   * @param values as of {@link #Configuration(String, Map)}
   */
  public static Configuration stored(String source, Map<String, ?> values) {
    return new Configuration(source, "", values, new LinkedHashSet<>(), new LinkedHashSet<>(), true);
  }

  /**
   * Tells whether the configuration is that of a stored adapter, whose parameters have their values: settings
   * that only say how these start have no effect, and are not faulty if the method does not know them.
   */
  public boolean isStored() {
    return stored;
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

  /** Reads a number, or the fallback if absent; NaN and infinity are faults. */
  public double number(String key, double fallback) {
    return value(key).<Double>flatMap(
        v -> finite(v) ? Optional.of(((Number) v).doubleValue()) : wrong(key, number(v), v))
        .orElse(fallback);
  }

  private static String number(@Nullable Object value) {
    return value instanceof Number ? "a finite number" : "a number";
  }

  private static boolean finite(@Nullable Object value) {
    return value instanceof Number number && Double.isFinite(number.doubleValue());
  }

  /** Reads a boolean, or the fallback if absent. */
  public boolean flag(String key, boolean fallback) {
    return value(key)
        .<Boolean>flatMap(v -> v instanceof Boolean b ? Optional.of(b) : wrong(key, "true or false", v))
        .orElse(fallback);
  }

  /** Reads a string, or the fallback if absent. */
  public String text(String key, String fallback) {
    return optionalText(key).orElse(fallback);
  }

  /** Reads a string that may be absent. */
  public Optional<String> optionalText(String key) {
    return value(key).flatMap(v -> v instanceof String s ? Optional.of(s) : wrong(key, "a string", v));
  }

  /** Reads a list of strings; a single string counts as a list of one; absent is empty. */
  public List<String> texts(String key) {
    Object v = value(key).orElse(List.of());
    if (v instanceof String s) {
      return List.of(s);
    }
    if (v instanceof Collection<?> list && list.stream().allMatch(String.class::isInstance)) {
      return list.stream().map(String.class::cast).toList();
    }
    wrong(key, "a list of strings", v);
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

  /** Reads an object whose values are finite numbers, in its order; absent is empty. */
  public Map<String, Double> numbers(String key) {
    Map<String, Double> out = new LinkedHashMap<>();
    Object v = value(key).orElse(Map.of());
    if (!(v instanceof Map<?, ?> map)) {
      wrong(key, "an object", v);
      return out;
    }
    map.forEach((k, x) -> {
      if (finite(x)) {
        out.put(String.valueOf(k), ((Number) x).doubleValue());
      } else {
        wrong(key + "." + k, number(x), x);
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
      return Optional.of(new Configuration(source, path + key + ".", fields, faults, notes, stored));
    });
  }

  /** Adds a fault of a field; the same one again is not added. */
  public void fault(String key, String message) {
    faults.add("\"" + path + key + "\" " + message);
  }

  /** Adds a note on a field, for users to know what is lost although nothing is faulty. */
  public void note(String key, String message) {
    notes.add(source + ": \"" + path + key + "\" " + message);
  }

  /** Returns the notes in their order. */
  public List<String> notes() {
    return List.copyOf(notes);
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
