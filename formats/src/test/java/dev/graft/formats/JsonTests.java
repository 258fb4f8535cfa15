package dev.graft.formats;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.error.GraftException;
import dev.graft.spi.Configuration;
import java.io.IOException;
import java.io.InputStream;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JsonTests {
  @TempDir
  Path folder;

  @Test
  void readsEveryKindOfValueInTheOrderOfTheFile() {
    Map<String, ?> object = Json.object("""
        {"z": 1, "a": [true, false, null, "é\\ud83d\\ude00"], "m": {"x": 1.5, "y": -2e3}, "b": 1e2}
        """, "test");

    assertThat(object.keySet()).containsExactly("z", "a", "m", "b");
    assertThat(object.get("z")).isEqualTo(1L);
    assertThat(object.get("a")).isEqualTo(Arrays.asList(true, false, null, "é😀"));
    assertThat(object.get("m")).isEqualTo(Map.of("x", 1.5, "y", -2000.0));
    assertThat(object.get("b")).isEqualTo(100.0);
  }

  @Test
  void keepsWholeNumbersBeyond64Bits() {
    Map<String, ?> object = Json.object(
        "{\"max\": 9223372036854775807, \"min\": -9223372036854775808, \"length\": 1" + "0".repeat(30) + "}",
        "t");

    assertThat(object.get("max")).isEqualTo(Long.MAX_VALUE);
    assertThat(object.get("min")).isEqualTo(Long.MIN_VALUE);
    assertThat(object.get("length")).isEqualTo(BigInteger.TEN.pow(30));
  }

  @Test
  void namesFileLineAndColumnOfAFault() throws IOException {
    Path file = write("config.json", "{\n  \"a\": 1,\n  \"b\": }\n");

    assertThatThrownBy(() -> Json.readObject(file)).isInstanceOf(GraftException.class)
        .hasMessageContainingAll("config.json", "line 3", "column 8");
  }

  @Test
  void refusesDuplicateKeysAtAnyDepth() {
    assertThatThrownBy(() -> Json.object("{\"a\": {\"b\": 1, \"b\": 2}}", "file.json"))
        .isInstanceOf(GraftException.class).hasMessageContainingAll("file.json", "\"b\"", "twice", "line 1");
  }

  @Test
  void refusesTextAfterTheEnd() {
    assertThatThrownBy(() -> Json.object("{} {}", "f")).isInstanceOf(GraftException.class);
    assertThatThrownBy(() -> Json.object("{} x", "f")).isInstanceOf(GraftException.class);
  }

  @Test
  void refusesWhatIsNoObject() {
    for (String text : List.of("", "  ", "[]", "null", "1", "{", "{\"a\"", "{a: 1}", "{'a': 1}",
        "{\"a\": 01}",
        "{\"a\": 1,}", "{\"a\": 1 /* c */}", "{\"a\": \"\t\"}")) {
      assertThatThrownBy(() -> Json.object(text, "the file")).as(text).isInstanceOf(GraftException.class)
          .hasMessageContaining("the file");
    }
  }

  @Test
  void refusesNestingBeyondTheLimit() {
    assertThat(Json.value("[".repeat(200) + "]".repeat(200), "f")).isNotNull();
    for (String open : List.of("[", "{\"a\":")) {
      assertThatThrownBy(() -> Json.value(open.repeat(201), "f")).isInstanceOf(GraftException.class)
          .hasMessageContaining("200 levels");
      assertThatThrownBy(() -> Json.value(open.repeat(1_000_000), "f")).isInstanceOf(GraftException.class);
    }
  }

  @Test
  void refusesMoreTokensThanTheLimit() {
    String many = "[" + "[],".repeat((int) Json.MAX_TOKENS / 2) + "[]]";

    assertThatThrownBy(() -> Json.value(many, "f")).isInstanceOf(GraftException.class)
        .hasMessageContaining("tokens");
  }

  @Test
  void refusesAFileBeyondTheLimitOfItsSize() throws IOException {
    Path file = write("big.json", "{}" + " ".repeat(Json.MAX_BYTES));

    assertThatThrownBy(() -> Json.readObject(file)).isInstanceOf(GraftException.class)
        .hasMessageContainingAll("big.json", "100000000");
  }

  @Test
  void refusesMalformedUtf8AndTellsTheByte() throws IOException {
    Path file = folder.resolve("latin1.json");
    Files.write(file, "{\"a\": \"é\"}".getBytes(StandardCharsets.ISO_8859_1));

    assertThatThrownBy(() -> Json.readObject(file)).isInstanceOf(GraftException.class)
        .hasMessageContainingAll("latin1.json", "UTF-8", "byte 7");
  }

  @Test
  void namesAMissingFileAndAFolder() {
    assertThatThrownBy(() -> Json.readObject(folder.resolve("absent.json")))
        .isInstanceOf(GraftException.class).hasMessageContainingAll("absent.json", "does not exist");
    assertThatThrownBy(() -> Json.readObject(folder)).isInstanceOf(GraftException.class)
        .hasMessageContaining(folder.toString());
  }

  @Test
  void formatsAsPythonDoes() throws IOException {
    Map<String, ?> source = Json.object(resource("python-dumps-source.json"), "source");

    assertThat(Json.format(source)).isEqualTo(resource("python-dumps.json"));
  }

  @Test
  void formatsNumbersAsPythonDoes() throws IOException {
    List<String> lines = resource("python-floats.txt").lines().toList();

    assertThat(lines).hasSizeGreaterThan(1000);
    for (String line : lines) {
      String[] parts = line.split(" ");
      double value = Double.longBitsToDouble(Long.parseUnsignedLong(parts[0], 16));
      assertThat(PythonJsonWriter.number(value)).as(line).isEqualTo(parts[1]);
    }
  }

  @Test
  void feedsAConfiguration() {
    Configuration configuration = new Configuration("f", Json.object("{\"r\": 8, \"bias\": null}", "f"));

    assertThat(configuration.integer("r")).isEqualTo(8);
    assertThat(configuration.has("bias")).isFalse();
  }

  private Path write(String name, String text) throws IOException {
    return Files.writeString(folder.resolve(name), text);
  }

  private static String resource(String name) throws IOException {
    try (InputStream in = Objects.requireNonNull(JsonTests.class.getResourceAsStream(name), name)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  @Test
  void aLineHasNoBreaksAndKeepsThoseInTexts() {
    Map<String, Object> value = Map.of("a", List.of(1L, 2L), "b", Map.of(), "c", "x\n [ y", "d",
        Map.of("e", List.of(Map.of("f", "]\n"))));

    assertThat(Json.formatLine(value)).isEqualTo(
        "{\"a\": [1, 2], \"b\": {}, \"c\": \"x\\n [ y\", \"d\": {\"e\": [{\"f\": \"]\\n\"}]}}");
    assertThat(Json.object(Json.formatLine(value), "line")).isEqualTo(value);
  }

  @Test
  void theOrderWithinAFieldIsKept() {
    Map<String, Object> ordered = new LinkedHashMap<>();
    ordered.put("z", 1L);
    ordered.put("a", 2L);
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("r", ordered);
    fields.put("b", 1L);

    assertThat(Json.formatFields(fields).replaceAll("\\s", ""))
        .isEqualTo("{\"b\":1,\"r\":{\"z\":1,\"a\":2}}");
    assertThat(Json.format(fields).replaceAll("\\s", "")).isEqualTo("{\"b\":1,\"r\":{\"a\":2,\"z\":1}}");
  }
}
