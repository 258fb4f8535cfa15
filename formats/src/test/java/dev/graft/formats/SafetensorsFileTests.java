package dev.graft.formats;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.error.GraftException;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.graph.Signature;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SafetensorsFileTests {
  @TempDir
  Path folder;

  @Test
  void viewsTensorsOfAMinimalFile() throws IOException {
    Path file = Samples.safetensors(folder.resolve("a.safetensors"), """
        {"__metadata__":{"format":"pt","k":"v"},\
        "b":{"dtype":"U8","shape":[2,2],"data_offsets":[8,12]},\
        "a":{"dtype":"I64","shape":[],"data_offsets":[0,8]},\
        "e":{"dtype":"F32","shape":[3,0],"data_offsets":[12,12]}}  \
        """, 12);

    try (SafetensorsFile opened = SafetensorsFile.open(file)) {
      assertThat(opened.names()).containsExactly("a", "b", "e");
      assertThat(opened.metadata()).isEqualTo(Map.of("format", "pt", "k", "v"));
      assertThat(opened.signature("b")).isEqualTo(new Signature(DType.U8, Shape.of(2, 2)));
      assertThat(opened.tensor("a").integerAt(0)).isEqualTo(0x0706050403020100L);
      assertThat(opened.tensor("b").toLongs()).containsExactly(8, 9, 10, 11);
      assertThat(opened.tensor("e").shape()).isEqualTo(Shape.of(3, 0));
      assertThatThrownBy(() -> opened.tensor("c")).isInstanceOf(GraftException.class)
          .hasMessageContainingAll("c", "missing", "a.safetensors");
    }
  }

  @Test
  void readsAFileWithoutTensors() throws IOException {
    Path file = Samples.safetensors(folder.resolve("a.safetensors"), "{}", 0);

    try (SafetensorsFile opened = SafetensorsFile.open(file)) {
      assertThat(opened.names()).isEmpty();
      assertThat(opened.metadata()).isEmpty();
    }
  }

  @Test
  void refusesViewsAfterTheClose() throws IOException {
    Path file = Samples.safetensors(folder.resolve("a.safetensors"), one("U8", "[4]", "[0,4]"), 4);
    SafetensorsFile opened = SafetensorsFile.open(file);
    HostTensor tensor = opened.tensor("t");
    opened.close();
    opened.close();

    assertThatThrownBy(() -> tensor.integerAt(0)).isInstanceOf(IllegalStateException.class);
  }

  @ParameterizedTest
  @ValueSource(strings = {"I16:2", "U16:2", "U32:4", "U64:8", "F8_E4M3:1", "F8_E5M2:1", "C64:8"})
  void complainsOfATypeItLacksOnlyWhenTheTensorIsUsed(String typeAndBytes) throws IOException {
    String type = typeAndBytes.split(":")[0];
    int bytes = 3 * Integer.parseInt(typeAndBytes.split(":")[1]);
    Path file = Samples.safetensors(folder.resolve("a.safetensors"), one(type, "[3]", "[0," + bytes + "]"),
        bytes);

    try (SafetensorsFile opened = SafetensorsFile.open(file)) {
      assertThat(opened.names()).containsExactly("t");
      assertThatThrownBy(() -> opened.tensor("t")).isInstanceOf(GraftException.class)
          .hasMessageContainingAll("tensor t", "a.safetensors", type, "quantised");
      assertThatThrownBy(() -> opened.signature("t")).isInstanceOf(GraftException.class);
    }
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', textBlock = """
      F31     | [4]                              | [0,16]          | dtype F31
      f32     | [4]                              | [0,16]          | dtype f32
      F32     | [5]                              | [0,16]          | needs 20 bytes
      F32     | [3]                              | [0,16]          | needs 12 bytes
      F32     | [4,-1]                           | [0,16]          | negative number in its shape: -1
      F32     | [4.0]                            | [0,16]          | not a whole number
      F32     | ["4"]                            | [0,16]          | not a whole number
      F32     | [null]                           | [0,16]          | not a whole number
      F32     | 4                                | [0,16]          | shape that is not a list
      F32     | [4]                              | [0]             | no byte range
      F32     | [4]                              | [0,16,16]       | at most 2
      F32     | [4]                              | [16,0]          | no byte range
      F32     | [4]                              | [-16,0]         | negative number in its data_offsets
      F32     | [4]                              | [4,20]          | truncated
      F32     | [5]                              | [0,20]          | truncated
      F32     | [3]                              | [0,12]          | belongs to no tensor
      F32     | [3]                              | [4,16]          | leave a gap
      F32     | [9223372036854775807]            | [0,16]          | too large
      F32     | [4294967296,4294967296]          | [0,16]          | too large
      F32     | [4294967296,4294967296,0]        | [0,0]           | too large
      F32     | [99999999999999999999]           | [0,16]          | beyond 64 bits
      F32     | [4]                              | [0,99999999999999999999] | beyond 64 bits
      F4      | [3]                              | [0,1]           | whole bytes
      """)
  void refusesATensorThatContradictsItself(String type, String shape, String offsets, String words)
      throws IOException {
    Path file = Samples.safetensors(folder.resolve("a.safetensors"), one(type, shape, offsets), 16);

    assertThatThrownBy(() -> SafetensorsFile.open(file)).isInstanceOf(GraftException.class)
        .hasMessageContainingAll("a.safetensors", words);
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
      {"t":{"dtype":"U8","shape":[4]}}                                                  | described
      {"t":{"dtype":"U8","shape":[4],"data_offsets":[0,4],"x":1}}                       | described
      {"t":[]}                                                                          | described
      {"t":null}                                                                        | described
      {"t":{"dtype":8,"shape":[4],"data_offsets":[0,4]}}                                | dtype
      {"t":{"dtype":"U8","shape":[4],"data_offsets":[0,4],"shape":[4]}}                 | twice
      {"t":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"t":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}} | twice
      {"t":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"u":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}} | overlap
      {"t":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"u":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}} | overlap
      {"t":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"u":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}} | gap
      {"__metadata__":[],"t":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}           | __metadata__
      {"__metadata__":{"a":1},"t":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}      | "a" is not a string
      {"\\ud800":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}                       | surrogate
      [1,2,3]                                                                           | header
      {"t":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}}                            | header
      {"t":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}x                            | header
      {"t":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}                              | header
      """)
  void refusesAHeaderThatIsNotOne(String header, String words) throws IOException {
    Path file = Samples.safetensors(folder.resolve("a.safetensors"), header, 4);

    assertThatThrownBy(() -> SafetensorsFile.open(file)).isInstanceOf(GraftException.class)
        .hasMessageContainingAll("a.safetensors", words);
  }

  @Test
  void refusesPaddingOtherThanSpaces() throws IOException {
    Path file = Samples.safetensors(folder.resolve("a.safetensors"), "{}\n\n", 0);

    assertThatThrownBy(() -> SafetensorsFile.open(file)).isInstanceOf(GraftException.class);
  }

  @ParameterizedTest
  @ValueSource(longs = {-1, Long.MIN_VALUE, Long.MAX_VALUE, 100_000_001, 1L << 40, 100, 1, 0})
  void refusesALengthOfTheHeaderThatIsWrong(long declared) throws IOException {
    byte[] header = one("U8", "[4]", "[0,4]").getBytes(StandardCharsets.UTF_8);
    Path file = Files.write(folder.resolve("a.safetensors"), Samples.safetensors(declared, header, 4));

    assertThatThrownBy(() -> SafetensorsFile.open(file)).isInstanceOf(GraftException.class)
        .hasMessageContainingAll("a.safetensors", "header");
  }

  @Test
  void refusesEveryTruncation() throws IOException {
    Path whole = folder.resolve("whole.safetensors");
    SafetensorsWriter.pytorch().write(whole, TensorSource.of(Samples.everyType(1)));
    byte[] bytes = Files.readAllBytes(whole);
    for (int length = 0; length < bytes.length; length++) {
      Path cut = Files.write(folder.resolve("cut.safetensors"), Arrays.copyOf(bytes, length));
      assertThatThrownBy(() -> SafetensorsFile.open(cut)).as("%d of %d bytes", length, bytes.length)
          .isInstanceOf(GraftException.class).hasMessageContainingAll("cut.safetensors", "truncated");
    }
  }

  @Test
  void refusesMalformedUtf8InTheHeader() throws IOException {
    byte[] header = one("U8", "[4]", "[0,4]").getBytes(StandardCharsets.UTF_8);
    header[2] = (byte) 0xFF;
    Path file = Files.write(folder.resolve("a.safetensors"),
        Samples.safetensors(header.length, header, 4));

    assertThatThrownBy(() -> SafetensorsFile.open(file)).isInstanceOf(GraftException.class)
        .hasMessageContainingAll("header", "a.safetensors", "UTF-8");
  }

  @Test
  void refusesAMissingFileAndAFolder() {
    assertThatThrownBy(() -> SafetensorsFile.open(folder.resolve("no.safetensors")))
        .isInstanceOf(GraftException.class).hasMessageContainingAll("no.safetensors", "missing");
    assertThatThrownBy(() -> SafetensorsFile.open(folder)).isInstanceOf(GraftException.class)
        .hasMessageContaining("is a folder");
  }

  private static String one(String type, String shape, String offsets) {
    return "{\"t\":{\"dtype\":\"" + type + "\",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}}";
  }
}
