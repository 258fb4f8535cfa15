package dev.graft.data.dataset;

import dev.graft.error.GraftException;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;
import java.util.zip.GZIPInputStream;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.json.JsonReadFeature;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;
import tools.jackson.databind.json.JsonMapper;

/**
 * Reads the rows of a file: one JSON object a line, or one JSON list of objects; plain or compressed by gzip.
 * What a file holds is told by its content, not by its name.
 */
final class RowFile {
  /** Far longer than a model's context, and short enough for the memory. */
  private static final int MAX_LINE = 64 << 20;
  private static final int GZIP_MAGIC = 0x1f8b;

  private static final ObjectMapper MAPPER = JsonMapper.builder(JsonFactory.builder()
      .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
      .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
      .build())
      .disable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
      .build();

  private final Path file;

  RowFile(Path file) {
    this.file = file;
  }

  /** Passes on every row in the order of the file. */
  void read(Consumer<Row> rows) {
    if (!Files.isRegularFile(file)) {
      throw new GraftException("The data set " + file + (Files.isDirectory(file)
          ? " is a folder; name a file in it"
          : " does not exist"));
    }
    try (InputStream raw = new BufferedInputStream(Files.newInputStream(file));
        InputStream in = new BufferedInputStream(unzipped(raw))) {
      if (firstByte(in) == '[') {
        readList(in, rows);
      } else {
        readLines(in, rows);
      }
    } catch (IOException e) {
      throw new GraftException("The data set " + file + " cannot be read: " + e.getMessage(), e);
    }
  }

  private static InputStream unzipped(InputStream in) throws IOException {
    in.mark(2);
    int magic = in.read() << 8 | in.read();
    in.reset();
    return magic == GZIP_MAGIC ? new GZIPInputStream(in) : in;
  }

  /** Returns the first byte that is not white space, after a byte order mark if there is one; reads nothing. */
  private static int firstByte(InputStream in) throws IOException {
    in.mark(4096);
    byte[] mark = in.readNBytes(3);
    boolean marked = mark.length == 3 && mark[0] == (byte) 0xef && mark[1] == (byte) 0xbb
        && mark[2] == (byte) 0xbf;
    in.reset();
    if (marked) {
      in.skipNBytes(3);
    }
    in.mark(4096);
    int first = in.read();
    for (int i = 0; i < 4000 && (first == ' ' || first == '\n' || first == '\r' || first == '\t'); i++) {
      first = in.read();
    }
    in.reset();
    return first;
  }

  private void readLines(InputStream in, Consumer<Row> rows) throws IOException {
    int number = 0;
    while (true) {
      number++;
      byte[] bytes = line(in, number);
      if (bytes == null) {
        return;
      }
      String text = decoded(bytes, number);
      if (!text.isBlank()) {
        rows.accept(row(parsed(text, number), number));
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
      throw new GraftException(place(number) + " is not a text in UTF-8; convert the file", e);
    }
  }

  private JsonNode parsed(String text, int number) {
    try (JsonParser parser = MAPPER.createParser(text)) {
      JsonNode row = MAPPER.readTree(parser);
      if (parser.nextToken() != null) {
        throw new GraftException(place(number) + ", column " + parser.currentTokenLocation().getColumnNr()
            + ": there is text after the object; every object needs a line of its own");
      }
      return row;
    } catch (JacksonException e) {
      throw invalid(number, column(e), e);
    }
  }

  private void readList(InputStream in, Consumer<Row> rows) {
    try (JsonParser parser = MAPPER.createParser(in)) {
      parser.nextToken();
      while (parser.nextToken() != JsonToken.END_ARRAY) {
        if (parser.currentToken() == null) {
          throw new GraftException("The data set " + file + " ends before its list does; is it cut off?");
        }
        int line = parser.currentTokenLocation().getLineNr();
        JsonNode row = MAPPER.readTree(parser);
        rows.accept(row(row, line));
      }
      if (parser.nextToken() != null) {
        throw new GraftException(place(parser.currentTokenLocation().getLineNr())
            + ": there is text after the end of the list");
      }
    } catch (JacksonException e) {
      TokenStreamLocation at = e.getLocation();
      throw invalid(at == null ? 1 : at.getLineNr(), column(e), e);
    }
  }

  private Row row(JsonNode row, int line) {
    if (!row.isObject()) {
      throw new GraftException(
          place(line) + ": every row must be a JSON object, and this is " + Row.shown(row));
    }
    return new Row(place(line), "", row);
  }

  private GraftException invalid(int line, String column, JacksonException e) {
    String message = String.valueOf(e.getOriginalMessage()).lines().findFirst().orElse("");
    return new GraftException(place(line) + column + ": this is not valid JSON: " + message, e);
  }

  private static String column(JacksonException e) {
    TokenStreamLocation at = e.getLocation();
    return at == null || at.getColumnNr() < 1 ? "" : ", column " + at.getColumnNr();
  }

  private String place(int line) {
    return file + ", line " + line;
  }
}
