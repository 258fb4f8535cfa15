package dev.graft.formats;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.error.GraftException;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.core.json.JsonReadFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Changes sound files at random. Each must be refused by a {@link GraftException} or load as what its bytes
 * say, by a reading of the header that shares no code with the one under test.
 */
class FuzzTests {
  private static final int SAFETENSORS = 20_000;
  private static final int CONFIGURATIONS = 6_000;
  private static final int INDEXES = 2_000;
  private static final List<String> HOSTILE = List.of("-1", "0", "1e3", "9223372036854775807",
      "9223372036854775808", "18446744073709551615", "4294967296", "1.5", "null", "true", "[]", "{}", "\"\"",
      "[[", "{\"a\":", "\\u0000", "\\ud800", "NaN", "\"F32\"", "\"I8\"", "\"F4\"", "\"data_offsets\"",
      "\"shape\"", "\"__metadata__\"", ",", "]", "}", "\"", "[0,0]", "[0,4]", "[4,0]", " ", "\uFEFF", "\0");

  private static final JsonMapper MAPPER = JsonMapper.builder()
      .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS).build();

  @TempDir
  Path folder;

  @Test
  void changedSafetensorsAreRefusedOrLoadAsTheirBytesSay() throws IOException {
    long seed = Long.getLong("graft.testkit.seed", 1);
    Random random = new Random(seed);
    List<byte[]> seeds = List.of(
        written(Samples.everyType(1)),
        written(Map.of("a", Samples.random(DType.F32, Shape.of(2, 2), random))),
        Samples.safetensors(88, """
            {"a":{"dtype":"I8","shape":[2],"data_offsets":[0,2]},\
            "b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}\
            """.getBytes(StandardCharsets.UTF_8), 4),
        Files.readAllBytes(Golden.root().resolve("cases").resolve("prefix-llama").resolve("adapter")
            .resolve("adapter_model.safetensors")));
    int loaded = 0;
    for (int i = 0; i < SAFETENSORS; i++) {
      byte[] bytes = changed(seeds.get(random.nextInt(seeds.size())), random);
      Path file = Files.write(folder.resolve("x.safetensors"), bytes);
      String what = "seed " + seed + ", file " + i;
      try (SafetensorsFile opened = SafetensorsFile.open(file)) {
        assertIsWhatTheBytesSay(opened, bytes, what);
        loaded++;
      } catch (GraftException e) {
        assertThat(e.getMessage()).as(what).contains("x.safetensors");
      } catch (RuntimeException | Error e) {
        throw new AssertionError(what, e);
      }
    }
    assertThat(loaded).as("seed %d", seed).isBetween(SAFETENSORS / 100, SAFETENSORS * 9 / 10);
  }

  private static void assertIsWhatTheBytesSay(SafetensorsFile opened, byte[] bytes, String what) {
    int length = Math.toIntExact(ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong());
    JsonNode header = MAPPER.readTree(new String(bytes, 8, length, StandardCharsets.UTF_8));
    TreeSet<String> names = new TreeSet<>(header.propertyNames());
    names.remove("__metadata__");
    assertThat(opened.names()).as(what).containsExactlyInAnyOrderElementsOf(names);
    header.path("__metadata__").forEachEntry(
        (key, value) -> assertThat(opened.metadata()).as(what).containsEntry(key, value.stringValue()));
    boolean[] taken = new boolean[bytes.length - 8 - length];
    for (String name : names) {
      JsonNode entry = header.get(name);
      int begin = entry.get("data_offsets").get(0).intValue();
      int end = entry.get("data_offsets").get(1).intValue();
      for (int at = begin; at < end; at++) {
        assertThat(taken[at]).as(what).isFalse();
        taken[at] = true;
      }
      HostTensor tensor;
      try {
        tensor = opened.tensor(name);
      } catch (GraftException e) {
        assertThat(Arrays.stream(DType.values()).map(Enum::name)).as(what)
            .doesNotContain(entry.get("dtype").stringValue());
        continue;
      }
      assertThat(tensor.dtype().name()).as(what).isEqualTo(entry.get("dtype").stringValue());
      assertThat(tensor.shape().dims()).as(what)
          .isEqualTo(entry.get("shape").valueStream().mapToLong(JsonNode::longValue).toArray());
      assertThat(Samples.bytes(tensor)).as(what)
          .isEqualTo(Arrays.copyOfRange(bytes, 8 + length + begin, 8 + length + end));
    }
    for (boolean one : taken) {
      assertThat(one).as(what).isTrue();
    }
  }

  @Test
  void changedConfigurationsAreRefusedOrLoadAsTheirBytesSay() throws IOException {
    long seed = Long.getLong("graft.testkit.seed", 1);
    Random random = new Random(seed);
    byte[] sound = Files.readAllBytes(Golden.root().resolve("cases").resolve("lora-patterns-llama")
        .resolve("adapter").resolve("adapter_config.json"));
    Path weights = folder.resolve("adapter_model.safetensors");
    Files.write(weights, written(Map.of("a", HostTensor.ofFloats(Shape.of(1), 1))));
    int loaded = 0;
    for (int i = 0; i < CONFIGURATIONS; i++) {
      byte[] bytes = changed(sound, random);
      Files.write(folder.resolve("adapter_config.json"), bytes);
      String what = "seed " + seed + ", file " + i;
      try (AdapterFolder opened = AdapterFolder.open(folder)) {
        Object expected = MAPPER.readValue(new String(bytes, StandardCharsets.UTF_8), Object.class);
        assertThat(Json.format(opened.config())).as(what).isEqualTo(Json.format(expected));
        loaded++;
      } catch (GraftException e) {
        assertThat(e.getMessage()).as(what).contains("adapter_config.json");
      } catch (RuntimeException | Error e) {
        throw new AssertionError(what, e);
      }
    }
    assertThat(loaded).as("seed %d", seed).isBetween(CONFIGURATIONS / 100, CONFIGURATIONS * 9 / 10);
  }

  @Test
  void changedIndexesAreRefusedOrLoad() throws IOException {
    long seed = Long.getLong("graft.testkit.seed", 1);
    Random random = new Random(seed);
    Path model = folder.resolve("model");
    Map<String, HostTensor> tensors = Map.of("a", HostTensor.ofFloats(Shape.of(1), 1),
        "b", HostTensor.ofFloats(Shape.of(1), 2), "c", HostTensor.ofFloats(Shape.of(1), 3));
    ModelFolderWriter.standard().withShardBytes(4).write(model, Map.of(), TensorSource.of(tensors),
        List.of());
    Path index = model.resolve("model.safetensors.index.json");
    byte[] sound = Files.readAllBytes(index);
    int loaded = 0;
    for (int i = 0; i < INDEXES; i++) {
      Files.write(index, changed(sound, random));
      String what = "seed " + seed + ", file " + i;
      try (ModelFolder opened = ModelFolder.open(model)) {
        for (String name : opened.names()) {
          assertThat(tensors).as(what).containsKey(name);
          assertThat(opened.tensor(name).item()).as(what).isEqualTo(name.charAt(0) - 'a' + 1);
        }
        loaded++;
      } catch (GraftException e) {
        assertThat(e.getMessage()).as(what).contains("model");
      } catch (RuntimeException | Error e) {
        throw new AssertionError(what, e);
      }
    }
    assertThat(loaded).as("seed %d", seed).isPositive();
  }

  private byte[] written(Map<String, HostTensor> tensors) throws IOException {
    Path file = folder.resolve("seed.safetensors");
    SafetensorsWriter.pytorch().write(file, TensorSource.of(tensors));
    return Files.readAllBytes(file);
  }

  private static byte[] changed(byte[] sound, Random random) {
    byte[] bytes = sound.clone();
    for (int changes = random.nextInt(3); changes >= 0; changes--) {
      bytes = switch (random.nextInt(9)) {
        case 0 -> flipped(bytes, random, bytes.length);
        case 1, 2 -> flipped(bytes, random, Math.min(bytes.length, 600));
        case 3 -> Arrays.copyOf(bytes, random.nextInt(bytes.length + 1));
        case 4 -> Arrays.copyOf(bytes, bytes.length + 1 + random.nextInt(16));
        case 5 -> withLength(bytes, random);
        case 6 -> withHostileText(bytes, random, false);
        case 7 -> withHostileText(bytes, random, true);
        default -> withPartRepeated(bytes, random);
      };
      if (bytes.length == 0) {
        return bytes;
      }
    }
    return bytes;
  }

  private static byte[] flipped(byte[] bytes, Random random, int bound) {
    byte[] out = bytes.clone();
    out[random.nextInt(bound)] ^= (byte) (1 << random.nextInt(8));
    return out;
  }

  private static byte[] withLength(byte[] bytes, Random random) {
    if (bytes.length < Long.BYTES) {
      return bytes;
    }
    byte[] out = bytes.clone();
    ByteBuffer buffer = ByteBuffer.wrap(out).order(ByteOrder.LITTLE_ENDIAN);
    long length = buffer.getLong(0);
    buffer.putLong(0, switch (random.nextInt(4)) {
      case 0 -> random.nextLong();
      case 1 -> random.nextLong() >>> random.nextInt(64);
      case 2 -> length + random.nextInt(-16, 17);
      default -> bytes.length - random.nextInt(17);
    });
    return out;
  }

  /** Puts a hostile text in, and keeps the length of the header right so that the text is read. */
  private static byte[] withHostileText(byte[] bytes, Random random, boolean instead) {
    byte[] text = HOSTILE.get(random.nextInt(HOSTILE.size())).getBytes(StandardCharsets.UTF_8);
    int from = random.nextInt(Math.min(bytes.length, 900));
    int to = instead ? Math.min(bytes.length, from + 1 + random.nextInt(8)) : from;
    return spliced(bytes, from, to, text);
  }

  private static byte[] withPartRepeated(byte[] bytes, Random random) {
    int from = random.nextInt(bytes.length);
    int to = Math.min(bytes.length, from + random.nextInt(120));
    return spliced(bytes, to, to, Arrays.copyOfRange(bytes, from, to));
  }

  private static byte[] spliced(byte[] bytes, int from, int to, byte[] text) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(bytes, 0, from);
    out.writeBytes(text);
    out.write(bytes, to, bytes.length - to);
    byte[] spliced = out.toByteArray();
    boolean safetensors = bytes.length > Long.BYTES && bytes[Long.BYTES] == '{' && from >= Long.BYTES;
    if (safetensors) {
      ByteBuffer buffer = ByteBuffer.wrap(spliced).order(ByteOrder.LITTLE_ENDIAN);
      buffer.putLong(0, buffer.getLong(0) + spliced.length - bytes.length);
    }
    return spliced;
  }
}
