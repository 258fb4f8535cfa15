package dev.graft.formats;

import dev.graft.error.GraftException;
import dev.graft.graph.GraphException;
import dev.graft.graph.Shape;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Reads the header of a safetensors file and checks every number in it before anyone uses one.
 *
 * @param metadata the texts under {@code __metadata__}
 * @param entries where each tensor lies, in the order of the data
 */
record SafetensorsHeader(Map<String, String> metadata, Map<String, Entry> entries) {
  /** Largest header that the format's own library reads. */
  static final long MAX_BYTES = 100_000_000;
  static final String METADATA = "__metadata__";

  private static final int MAX_RANK = 64;
  private static final Set<String> FIELDS = Set.of("dtype", "shape", "data_offsets");

  /**
   * Tells where a tensor lies.
   *
   * @param type type of the elements
   * @param shape lengths of the axes
   * @param begin first byte, counted from the end of the header
   * @param end the byte after the last
   */
  record Entry(StoredType type, Shape shape, long begin, long end) {}

  /**
   * Reads a header.
   *
   * @param bytes the header without its length
   * @param dataBytes length of what follows the header
   * @param file what error messages call the file
   */
  static SafetensorsHeader parse(ByteBuffer bytes, long dataBytes, String file) {
    String origin = "The header of " + file;
    String text = Json.utf8(bytes, origin);
    if (!text.startsWith("{")) {
      throw new GraftException(origin + " is not JSON: it does not begin with '{'");
    }
    int end = text.length();
    while (text.charAt(end - 1) == ' ') {
      end--;
    }
    if (text.charAt(end - 1) != '}') {
      throw new GraftException(origin + " is not JSON: it does not end with '}' and spaces");
    }
    Map<String, @Nullable Object> json = Json.object(text.substring(0, end), origin);
    Map<String, String> metadata = new LinkedHashMap<>();
    Map<String, Entry> entries = new LinkedHashMap<>();
    json.forEach((name, value) -> {
      if (name.equals(METADATA)) {
        metadata.putAll(metadata(value, origin));
      } else {
        entries.put(name, entry(name, value, dataBytes, file));
      }
    });
    return new SafetensorsHeader(metadata, contiguous(entries, dataBytes, file));
  }

  private static Map<String, String> metadata(@Nullable Object value, String origin) {
    Map<String, String> metadata = new LinkedHashMap<>();
    if (!(value instanceof Map<?, ?> map)) {
      throw new GraftException(origin + " has a " + METADATA + " that is no JSON object");
    }
    map.forEach((key, text) -> {
      if (!(text instanceof String)) {
        throw new GraftException(origin + " has a " + METADATA + " whose \"" + key + "\" is not a string");
      }
      metadata.put(String.valueOf(key), (String) text);
    });
    return metadata;
  }

  private static Entry entry(String name, @Nullable Object value, long dataBytes, String file) {
    String where = "The tensor " + name + " of " + file;
    if (hasLoneSurrogate(name)) {
      throw new GraftException(where + " has a name that is not Unicode: it has an unpaired surrogate");
    }
    if (!(value instanceof Map<?, ?> map) || !map.keySet().equals(FIELDS)) {
      throw new GraftException(where + " must be described in the header by dtype, shape and data_offsets");
    }
    if (!(map.get("dtype") instanceof String typeName)) {
      throw new GraftException(where + " has a dtype that is not a string");
    }
    StoredType type = StoredType.named(typeName, where);
    long[] dims = integers(map.get("shape"), where, "shape", MAX_RANK);
    long[] offsets = integers(map.get("data_offsets"), where, "data_offsets", 2);
    if (offsets.length != 2 || offsets[1] < offsets[0]) {
      throw new GraftException(
          where + " has the data_offsets " + Arrays.toString(offsets) + ", which are no byte range");
    }
    Shape shape = shape(dims, where);
    long needed = bytes(type, shape, where);
    if (needed != offsets[1] - offsets[0]) {
      throw new GraftException(where + " needs " + needed + " bytes for the shape " + shape + " and type "
          + type + ", but its data_offsets " + Arrays.toString(offsets) + " span "
          + (offsets[1] - offsets[0]) + " bytes");
    }
    if (offsets[1] > dataBytes) {
      throw new GraftException(where + " ends at byte " + offsets[1] + " of the data, beyond the " + dataBytes
          + " bytes that are there: the file is truncated. Copy or download it again.");
    }
    return new Entry(type, shape, offsets[0], offsets[1]);
  }

  private static long[] integers(@Nullable Object value, String where, String field, int most) {
    if (!(value instanceof List<?> list)) {
      throw new GraftException(where + " has a " + field + " that is not a list");
    }
    if (list.size() > most) {
      throw new GraftException(
          where + " has a " + field + " of " + list.size() + " numbers; at most " + most + " are allowed");
    }
    long[] out = new long[list.size()];
    for (int i = 0; i < out.length; i++) {
      switch (list.get(i)) {
        case Long number when number >= 0 -> out[i] = number;
        case Long number -> throw new GraftException(where + " has a negative number in its " + field + ": "
            + number);
        case BigInteger number -> throw new GraftException(
            where + " has a number beyond 64 bits in its " + field + ": " + number);
        case null, default -> throw new GraftException(
            where + " has something in its " + field + " that is not a whole number");
      }
    }
    return out;
  }

  private static Shape shape(long[] dims, String where) {
    try {
      return Shape.of(dims);
    } catch (GraphException e) {
      throw new GraftException(where + " has the shape " + Arrays.toString(dims) + ", too large to address",
          e);
    }
  }

  private static long bytes(StoredType type, Shape shape, String where) {
    long bits;
    try {
      bits = Math.multiplyExact(shape.size(), (long) type.bits());
    } catch (ArithmeticException e) {
      throw new GraftException(where + " has the shape " + shape + ", too large to address", e);
    }
    if (bits % Byte.SIZE != 0) {
      throw new GraftException(
          where + " of shape " + shape + " and type " + type + " does not fill whole bytes");
    }
    return bits / Byte.SIZE;
  }

  /** The data must be covered from first byte to last, each byte once; Rust's library asks the same. */
  private static Map<String, Entry> contiguous(Map<String, Entry> entries, long dataBytes, String file) {
    List<Map.Entry<String, Entry>> sorted = new ArrayList<>(entries.entrySet());
    sorted.sort(Comparator.comparing(Map.Entry::getValue,
        Comparator.comparingLong(Entry::begin).thenComparingLong(Entry::end)));
    Map<String, Entry> ordered = new LinkedHashMap<>();
    long at = 0;
    for (Map.Entry<String, Entry> entry : sorted) {
      long begin = entry.getValue().begin();
      if (begin != at) {
        throw new GraftException("The tensor " + entry.getKey() + " of " + file + " begins at byte " + begin
            + " of the data, and the one before it ends at byte " + at + ": their offsets "
            + (begin < at ? "overlap" : "leave a gap"));
      }
      at = entry.getValue().end();
      ordered.put(entry.getKey(), entry.getValue());
    }
    if (at != dataBytes) {
      throw new GraftException(file + " holds " + dataBytes + " bytes of data, but its tensors end at byte "
          + at + ": the rest belongs to no tensor. Copy or download it again.");
    }
    return ordered;
  }

  static boolean hasLoneSurrogate(String text) {
    return text.codePoints().anyMatch(c -> c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE);
  }
}
