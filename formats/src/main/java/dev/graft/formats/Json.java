package dev.graft.formats;

import dev.graft.error.GraftException;
import java.io.IOException;
import java.io.InputStream;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apiguardian.api.API;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.TokenStreamFactory;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.core.exc.StreamConstraintsException;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.json.JsonReadFeature;

/**
 * Reads JSON (RFC 8259) under limits, and writes it as Python does.
 *
 * <p>
 * An object becomes a map in the order of the file, a list a {@link List}, a text a {@link String}, a whole
 * number a {@link Long} or, beyond 64 bits, a {@link BigInteger} (tokenizers write 10^30 for "no limit"), any
 * other number a {@link Double}, and null is null. Python's NaN, Infinity and -Infinity are understood.
 * Duplicate keys are refused, since readers disagree on which of them counts.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class Json {
  static final int MAX_BYTES = 100_000_000;
  static final int MAX_DEPTH = 200;
  static final long MAX_TOKENS = 10_000_000;

  private static final JsonFactory FACTORY = JsonFactory.builder()
      .streamReadConstraints(StreamReadConstraints.builder()
          .maxDocumentLength(MAX_BYTES)
          .maxNestingDepth(MAX_DEPTH)
          .maxTokenCount(MAX_TOKENS)
          .maxStringLength(MAX_BYTES)
          .build())
      .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
      .disable(TokenStreamFactory.Feature.CANONICALIZE_PROPERTY_NAMES)
      .build();

  private Json() {
  }

  /**
   * Reads a file that holds one JSON object.
   *
   * @throws GraftException if the file cannot be read, is longer than 100 MB, is not UTF-8, or holds anything
   *   but one object; the message names the file, the line and the column
   */
  public static Map<String, @Nullable Object> readObject(Path file) {
    return object(text(file), file.toString());
  }

  /** Reads a file that holds one JSON value of any kind; see {@link #readObject}. */
  public static @Nullable Object read(Path file) {
    return value(text(file), file.toString());
  }

  /**
   * Reads a text that holds one JSON object.
   *
   * @param origin what error messages call the text
   */
  public static Map<String, @Nullable Object> object(String text, String origin) {
    if (value(text, origin) instanceof Map<?, ?> map) {
      Map<String, @Nullable Object> object = new LinkedHashMap<>();
      map.forEach((key, value) -> object.put(String.valueOf(key), value));
      return object;
    }
    throw new GraftException(origin + " must hold a JSON object, and its text begins with another value");
  }

  /**
   * Reads a text that holds one JSON value of any kind.
   *
   * @param origin what error messages call the text
   */
  public static @Nullable Object value(String text, String origin) {
    try (JsonParser parser = FACTORY.createParser(ObjectReadContext.empty(), text)) {
      if (parser.nextToken() == null) {
        throw new GraftException(origin + " is empty where JSON was expected");
      }
      Object value = value(parser, origin);
      if (parser.nextToken() != null) {
        throw fault(origin, parser.currentTokenLocation(), "text after the end of the value");
      }
      return value;
    } catch (StreamConstraintsException e) {
      throw new GraftException(origin + " goes beyond the limits for JSON of " + MAX_BYTES + " bytes, "
          + MAX_DEPTH + " levels and " + MAX_TOKENS + " tokens: " + firstLine(e), e);
    } catch (JacksonException e) {
      GraftException fault = fault(origin, e.getLocation(), firstLine(e));
      fault.initCause(e);
      throw fault;
    }
  }

  /**
   * Writes a value as Python's {@code json.dumps(value, indent=2, sort_keys=True)} does, to the byte. No line
   * break follows the end.
   *
   * @param value maps with text keys, collections, texts, numbers, booleans and null, nested at will
   */
  public static String format(@Nullable Object value) {
    return PythonJsonWriter.format(value);
  }

  /**
   * Writes an object as {@link #format} does, but keeps the order of the objects in it that have one, where the
   * first of several matching keys counts.
   */
  public static String formatFields(Map<String, ?> fields) {
    return PythonJsonWriter.formatFields(fields);
  }

  /** Writes a value as {@link #format} does, but on one line, for logs of one value a line. */
  public static String formatLine(@Nullable Object value) {
    return PythonJsonWriter.formatLine(value);
  }

  private static String text(Path file) {
    byte[] bytes;
    try (InputStream in = PlainFile.open(file, file.toString())) {
      bytes = in.readNBytes(MAX_BYTES + 1);
    } catch (IOException e) {
      throw FileFaults.reading(file, e);
    }
    if (bytes.length > MAX_BYTES) {
      throw new GraftException(file + " is longer than " + MAX_BYTES + " bytes, the limit for a JSON file");
    }
    StandIns.refuse(file, Arrays.copyOf(bytes, Math.min(bytes.length, StandIns.START)));
    if (bytes.length > 2 && bytes[0] == (byte) 0xEF && bytes[1] == (byte) 0xBB && bytes[2] == (byte) 0xBF) {
      throw new GraftException(
          file + " begins with a byte order mark, which JSON must not have: save it in UTF-8"
              + " without one");
    }
    return utf8(ByteBuffer.wrap(bytes), file.toString());
  }

  /** Decodes UTF-8 and refuses malformed bytes, which the usual decoder would replace. */
  static String utf8(ByteBuffer bytes, String origin) {
    int start = bytes.position();
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
    } catch (CharacterCodingException e) {
      throw new GraftException(
          origin + " is not JSON in UTF-8: byte " + (bytes.position() - start) + " begins no character", e);
    }
  }

  private static @Nullable Object value(JsonParser parser, String origin) {
    return switch (parser.currentToken()) {
      case START_OBJECT -> members(parser, origin);
      case START_ARRAY -> elements(parser, origin);
      case VALUE_STRING -> parser.getString();
      case VALUE_NUMBER_INT -> integer(parser.getString());
      case VALUE_NUMBER_FLOAT -> parser.getDoubleValue();
      case VALUE_TRUE -> true;
      case VALUE_FALSE -> false;
      case VALUE_NULL -> null;
      case PROPERTY_NAME, END_ARRAY, END_OBJECT, VALUE_EMBEDDED_OBJECT, NOT_AVAILABLE ->
        throw new IllegalStateException("The JSON parser yields " + parser.currentToken() + " for a value");
    };
  }

  private static Map<String, @Nullable Object> members(JsonParser parser, String origin) {
    Map<String, @Nullable Object> members = new LinkedHashMap<>();
    while (parser.nextToken() != JsonToken.END_OBJECT) {
      String name = parser.currentName();
      if (members.containsKey(name)) {
        throw fault(origin, parser.currentTokenLocation(), "the key \"" + name + "\" occurs twice");
      }
      parser.nextToken();
      members.put(name, value(parser, origin));
    }
    return members;
  }

  private static List<@Nullable Object> elements(JsonParser parser, String origin) {
    List<@Nullable Object> elements = new ArrayList<>();
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      elements.add(value(parser, origin));
    }
    return elements;
  }

  private static Number integer(String digits) {
    BigInteger value = new BigInteger(digits);
    if (value.bitLength() < Long.SIZE) {
      return value.longValue();
    }
    return value;
  }

  private static GraftException fault(String origin, @Nullable TokenStreamLocation at, String what) {
    String where = at == null ? "" : " at line " + at.getLineNr() + ", column " + at.getColumnNr();
    return new GraftException(origin + " is not valid JSON" + where + ": " + what);
  }

  private static String firstLine(JacksonException e) {
    String message = e.getOriginalMessage();
    return message == null ? e.getClass().getSimpleName() : message.lines().findFirst().orElse("");
  }
}
