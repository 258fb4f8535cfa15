package dev.graft.data.dataset;

import dev.graft.error.GraftException;
import dev.graft.formats.PlainFile;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.core.exc.StreamConstraintsException;
import tools.jackson.core.exc.UnexpectedEndOfInputException;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.json.JsonReadFeature;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;
import tools.jackson.databind.json.JsonMapper;

/**
 * Reads the rows of a file: one JSON object a line, one JSON list of objects, or one JSON object that holds such
 * a list; plain or compressed by gzip. What a file holds is told by its content, not by its name.
 */
final class RowFile {
  /** Far longer than a model's context, and short enough for the memory. */
  private static final int MAX_LINE = 64 << 20;
  private static final int GZIP_MAGIC = 0x1f8b;

  private static final ObjectMapper MAPPER = JsonMapper.builder(JsonFactory.builder()
      .streamReadConstraints(StreamReadConstraints.builder().maxStringLength(MAX_LINE).build())
      .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
      .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
      .build())
      .disable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
      .build();

  private final Path file;
  private final Predicate<Set<String>> isRow;
  private final long limit;

  /**
   * Names a file.
   *
   * @param isRow tells by the fields of an object whether it is a row, and not one that holds all rows
   * @param limit bytes of memory that the rows may take
   */
  RowFile(Path file, Predicate<Set<String>> isRow, long limit) {
    this.file = file;
    this.isRow = isRow;
    this.limit = limit;
  }

  /** Says how rows lie in a file. */
  private sealed interface Layout {
    record Lines() implements Layout {}

    record JsonList() implements Layout {}

    /** One object, over several lines. */
    record Single() implements Layout {}

    /** A list in a field of one object. */
    record Wrapped(String field) implements Layout {}
  }

  /** Passes on every row in the order of the file. */
  void read(Consumer<Row> rows) {
    try {
      Layout layout;
      try (DataMemory in = opened()) {
        layout = layout(in);
      }
      try (DataMemory in = opened()) {
        Consumer<Row> counted = row -> {
          in.row();
          if (Thread.currentThread().isInterrupted()) {
            throw new GraftException(row.place() + " was being read when the thread was interrupted");
          }
          rows.accept(row);
        };
        InputStream buffered = new BufferedInputStream(in);
        skipMark(buffered);
        switch (layout) {
          case Layout.Lines _ -> readLines(buffered, counted);
          case Layout.JsonList _ -> readList(buffered, counted);
          case Layout.Single _ -> readSingle(buffered, counted);
          case Layout.Wrapped(String field) -> readWrapped(buffered, field, counted);
        }
      }
    } catch (ZipException | EOFException e) {
      throw new GraftException("The data set " + file + " is compressed by gzip and damaged or cut off ("
          + e.getMessage() + "); copy it again", e);
    } catch (IOException e) {
      throw new GraftException("The data set " + file + " cannot be read: " + e.getMessage(), e);
    }
  }

  private DataMemory opened() throws IOException {
    InputStream raw = new BufferedInputStream(PlainFile.open(file, "The data set " + file));
    try {
      raw.mark(2);
      int magic = raw.read() << 8 | raw.read();
      raw.reset();
      return new DataMemory(magic == GZIP_MAGIC ? new GZIPInputStream(raw, 1 << 16) : raw,
          "The data set " + file, limit);
    } catch (IOException | RuntimeException e) {
      raw.close();
      throw e;
    }
  }

  /** Skips a byte order mark. */
  private static void skipMark(InputStream in) throws IOException {
    in.mark(3);
    byte[] mark = in.readNBytes(3);
    boolean marked = mark.length == 3 && mark[0] == (byte) 0xef && mark[1] == (byte) 0xbb
        && mark[2] == (byte) 0xbf;
    if (!marked) {
      in.reset();
    }
  }

  private Layout layout(InputStream stream) throws IOException {
    InputStream in = new BufferedInputStream(stream);
    in.mark(ForeignFormat.LOOK);
    Optional<ForeignFormat> foreign = ForeignFormat.of(in.readNBytes(ForeignFormat.LOOK));
    in.reset();
    if (foreign.isPresent()) {
      throw new GraftException(place(1) + ": the file is " + foreign.get().name() + "; " + ForeignFormat.READ
          + ": " + foreign.get().advice());
    }
    skipMark(in);
    int first = firstByte(in);
    return first == '[' ? new Layout.JsonList() : first == '{' ? layoutOfObject(in) : new Layout.Lines();
  }

  /** Returns the first byte that is not white space; reads nothing. */
  private static int firstByte(InputStream in) throws IOException {
    in.mark(4096);
    int first = in.read();
    for (int i = 0; i < 4000 && (first == ' ' || first == '\n' || first == '\r' || first == '\t'); i++) {
      first = in.read();
    }
    in.reset();
    return first;
  }

  /** Looks whether an object is all that a file holds, and whether it is a row or holds the list of them. */
  private Layout layoutOfObject(InputStream in) {
    Set<String> fields = new LinkedHashSet<>();
    List<String> lists = new ArrayList<>();
    int start;
    int end;
    try (JsonParser parser = MAPPER.createParser(in)) {
      parser.nextToken();
      start = parser.currentTokenLocation().getLineNr();
      while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
        String field = parser.currentName();
        fields.add(field);
        if (parser.nextToken() == JsonToken.START_ARRAY && parser.nextToken() == JsonToken.START_OBJECT) {
          lists.add(field);
        }
        skipValue(parser);
      }
      end = parser.currentTokenLocation().getLineNr();
      if (parser.nextToken() != null) {
        return new Layout.Lines();
      }
    } catch (JacksonException e) {
      // What is wrong, and where, comes to light again when the line is read.
      return new Layout.Lines();
    }
    if (isRow.test(fields) || lists.isEmpty()) {
      return start == end ? new Layout.Lines() : new Layout.Single();
    }
    if (lists.size() > 1) {
      throw new GraftException(place(start) + ": the file is one object with several lists of rows, \""
          + String.join("\", \"", lists) + "\"; write each to a file of its own, and name those to be read");
    }
    return new Layout.Wrapped(lists.getFirst());
  }

  /** Goes on to the end of a field's value, within which the parser may be already. */
  private static void skipValue(JsonParser parser) {
    int depth = parser.streamReadContext().getNestingDepth();
    while (depth > 1 && !parser.isClosed()) {
      parser.nextToken();
      depth = parser.streamReadContext().getNestingDepth();
    }
  }

  private void readLines(InputStream in, Consumer<Row> rows) throws IOException {
    int number = 0;
    boolean first = true;
    while (true) {
      number++;
      byte[] bytes = line(in, number);
      if (bytes == null) {
        return;
      }
      String text = decoded(bytes, number);
      if (!text.isBlank()) {
        rows.accept(row(parsed(text, number, first), number));
        first = false;
      }
    }
  }

  /** Returns a line without its end; null after the last. */
  private byte @Nullable [] line(InputStream in, int number) throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    int next = in.read();
    if (next < 0) {
      return null;
    }
    for (; next >= 0 && next != '\n'; next = in.read()) {
      if (line.size() == MAX_LINE) {
        throw new GraftException(place(number) + " has more than " + MAX_LINE + " bytes");
      }
      line.write(next);
    }
    return line.toByteArray();
  }

  private String decoded(byte[] bytes, int number) {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      throw new GraftException(place(number) + " is not text in UTF-8; convert the file", e);
    }
  }

  private JsonNode parsed(String text, int number, boolean first) {
    try (JsonParser parser = MAPPER.createParser(text)) {
      JsonNode row = MAPPER.readTree(parser);
      if (parser.nextToken() != null) {
        throw new GraftException(place(number) + ", column " + parser.currentTokenLocation().getColumnNr()
            + ": there is text after the object; every object needs a line of its own");
      }
      return row;
    } catch (JacksonException e) {
      if (first && !text.strip().startsWith("{") && !text.strip().startsWith("[")) {
        throw new GraftException(
            place(number) + ": " + ForeignFormat.ofText(text, String.valueOf(file.getFileName())), e);
      }
      if (e instanceof UnexpectedEndOfInputException) {
        throw new GraftException(place(number) + column(e)
            + ": the object does not end on this line; every object needs a line of its own", e);
      }
      throw invalid(number, column(e), e);
    }
  }

  private void readList(InputStream in, Consumer<Row> rows) {
    try (JsonParser parser = MAPPER.createParser(in)) {
      parser.nextToken();
      elements(parser, rows);
      if (parser.nextToken() != null) {
        throw new GraftException(place(parser.currentTokenLocation().getLineNr())
            + ": there is text after the end of the list");
      }
    } catch (JacksonException e) {
      throw invalid(e);
    }
  }

  private void readSingle(InputStream in, Consumer<Row> rows) {
    try (JsonParser parser = MAPPER.createParser(in)) {
      parser.nextToken();
      int line = parser.currentTokenLocation().getLineNr();
      rows.accept(row(MAPPER.readTree(parser), line));
    } catch (JacksonException e) {
      throw invalid(e);
    }
  }

  private void readWrapped(InputStream in, String field, Consumer<Row> rows) {
    try (JsonParser parser = MAPPER.createParser(in)) {
      parser.nextToken();
      while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
        boolean wanted = parser.currentName().equals(field);
        parser.nextToken();
        if (wanted) {
          elements(parser, rows);
        } else {
          parser.skipChildren();
        }
      }
    } catch (JacksonException e) {
      throw invalid(e);
    }
  }

  private void elements(JsonParser parser, Consumer<Row> rows) {
    while (parser.nextToken() != JsonToken.END_ARRAY) {
      if (parser.currentToken() == null) {
        throw new GraftException("The data set " + file + " ends before its list does; is it cut off?");
      }
      int line = parser.currentTokenLocation().getLineNr();
      JsonNode row = MAPPER.readTree(parser);
      rows.accept(row(row, line));
    }
  }

  private Row row(JsonNode row, int line) {
    if (!row.isObject()) {
      throw new GraftException(
          place(line) + ": every row must be a JSON object, and this is " + Row.shown(row));
    }
    return new Row(place(line), "", row);
  }

  private GraftException invalid(JacksonException e) {
    TokenStreamLocation at = e.getLocation();
    return invalid(at == null ? 1 : at.getLineNr(), column(e), e);
  }

  private GraftException invalid(int line, String column, JacksonException e) {
    String message = String.valueOf(e.getOriginalMessage()).lines().findFirst().orElse("");
    String what = e instanceof StreamConstraintsException
        ? ": this goes beyond the limits of what is read: "
        : ": this is not valid JSON: ";
    return new GraftException(place(line) + column + what + message, e);
  }

  private static String column(JacksonException e) {
    TokenStreamLocation at = e.getLocation();
    return at == null || at.getColumnNr() < 1 ? "" : ", column " + at.getColumnNr();
  }

  private String place(int line) {
    return file + ", line " + line;
  }
}
