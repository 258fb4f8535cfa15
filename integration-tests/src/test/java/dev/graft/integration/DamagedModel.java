package dev.graft.integration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.formats.Json;
import dev.graft.formats.ModelFolder;
import dev.graft.formats.ModelFolderWriter;
import dev.graft.formats.SafetensorsFile;
import dev.graft.formats.SafetensorsWriter;
import dev.graft.formats.TensorSource;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Holds a copy of a sound model, in one file or in shards, for a test to damage. */
record DamagedModel(Path folder) {
  private static final String WEIGHTS = "model.safetensors";
  private static final Pattern OFFSETS = Pattern.compile("\"data_offsets\":\\[(\\d+),(\\d+)\\]");
  private static final String INDEX = "model.safetensors.index.json";

  /** Says how the weights lie in the copy. */
  enum Layout {
    ONE_FILE(ModelFolderWriter.SHARD_BYTES),
    /** Small shards, so that the parts of one quantised weight lie in several. */
    SHARDS(10_000);

    private final long shardBytes;

    Layout(long shardBytes) {
      this.shardBytes = shardBytes;
    }
  }

  /** Writes a model in a layout. */
  static void lay(Path model, Layout layout, Path folder) {
    try (ModelFolder sound = ModelFolder.open(model)) {
      ModelFolderWriter.standard().withShardBytes(layout.shardBytes).write(folder, sound.config(), sound,
          sound.sideFiles());
    }
  }

  /** Copies a model for one test. */
  static DamagedModel copy(Path model, Path folder) throws IOException {
    try (Stream<Path> files = Files.list(model)) {
      for (Path file : files.toList()) {
        Files.copy(file, folder.resolve(file.getFileName()));
      }
    }
    return new DamagedModel(folder);
  }

  /** Returns the name of the file that holds a tensor, or in which a new one would be put. */
  String fileOf(String tensor) {
    return String.valueOf(shardOf().getOrDefault(tensor, WEIGHTS));
  }

  private Map<String, Object> shardOf() {
    if (Files.notExists(folder.resolve(INDEX))) {
      return Map.of();
    }
    Map<String, Object> map = new TreeMap<>();
    ((Map<?, ?>) Objects.requireNonNull(Json.readObject(folder.resolve(INDEX)).get("weight_map")))
        .forEach((name, shard) -> map.put(String.valueOf(name), String.valueOf(shard)));
    return map;
  }

  private void writeIndex(Map<String, ?> shardOf) throws IOException {
    Files.writeString(folder.resolve(INDEX), Json.format(Map.of("weight_map", shardOf)));
  }

  /** Writes an index that lacks a tensor. */
  void removeFromIndex(String tensor) throws IOException {
    Map<String, Object> map = new TreeMap<>(shardOf());
    map.remove(tensor);
    writeIndex(map);
  }

  /** Writes an index that names another shard for a tensor. */
  void putInIndex(String tensor, String shard) throws IOException {
    Map<String, Object> map = new TreeMap<>(shardOf());
    map.put(tensor, shard);
    writeIndex(map);
  }

  HostTensor tensor(String name) {
    return Objects.requireNonNull(tensors(fileOf(name)).get(name));
  }

  private Map<String, HostTensor> tensors(String file) {
    Map<String, HostTensor> tensors = new LinkedHashMap<>();
    try (SafetensorsFile open = SafetensorsFile.open(folder.resolve(file))) {
      open.names().forEach(name -> tensors.put(name, copy(open.tensor(name))));
    }
    return tensors;
  }

  private static HostTensor copy(HostTensor tensor) {
    HostTensor copy = HostTensor.zeros(tensor.dtype(), tensor.shape());
    copy.segment().copyFrom(tensor.segment());
    return copy;
  }

  private void write(String file, Map<String, HostTensor> tensors) {
    SafetensorsWriter.pytorch().write(folder.resolve(file), TensorSource.of(tensors));
  }

  /** Takes a tensor out of its file alone. */
  void removeFromFile(String tensor) {
    String file = fileOf(tensor);
    Map<String, HostTensor> tensors = tensors(file);
    assertThat(tensors.remove(tensor)).as(tensor).isNotNull();
    write(file, tensors);
  }

  /** Takes a tensor out of the model. */
  void remove(String tensor) throws IOException {
    removeFromFile(tensor);
    if (!shardOf().isEmpty()) {
      removeFromIndex(tensor);
    }
  }

  /** Puts a tensor into a file alone. */
  void putInFile(String file, String tensor, HostTensor value) {
    Map<String, HostTensor> tensors = tensors(file);
    tensors.put(tensor, value);
    write(file, tensors);
  }

  /** Puts a tensor into the model, in the place of one of its name if there is one. */
  void put(String tensor, HostTensor value) throws IOException {
    Map<String, Object> shards = shardOf();
    String file = shards.isEmpty()
        ? WEIGHTS
        : String.valueOf(shards.getOrDefault(tensor, shards.values().iterator().next()));
    putInFile(file, tensor, value);
    if (!shards.isEmpty()) {
      putInIndex(tensor, file);
    }
  }

  /** Changes one value of a tensor. */
  void set(String tensor, long index, double value) throws IOException {
    HostTensor changed = tensor(tensor);
    changed.set(index, value);
    put(tensor, changed);
  }

  /** Changes what the header says of a tensor, and nothing else. */
  void describe(String tensor, String part, String replacement) throws IOException {
    changeHeader(folder.resolve(fileOf(tensor)), tensor, part, replacement);
  }

  /**
   * Changes what the header of a file says of a tensor.
   *
   * @param part a regular expression for a part of the description
   */
  static void changeHeader(Path file, String tensor, String part, String replacement) throws IOException {
    changeHeader(file, header -> {
      int from = header.indexOf('"' + tensor + "\":{");
      int to = header.indexOf('}', from) + 1;
      String changed = Pattern.compile(part).matcher(header.substring(from, to)).replaceFirst(replacement);
      assertThat(changed).isNotEqualTo(header.substring(from, to));
      return header.substring(0, from) + changed + header.substring(to);
    });
  }

  /** Writes the header of a file anew; its length is told rightly. */
  static void changeHeader(Path file, UnaryOperator<String> change) throws IOException {
    byte[] sound = Files.readAllBytes(file);
    int end = Math.toIntExact(ByteBuffer.wrap(sound).order(ByteOrder.LITTLE_ENDIAN).getLong()) + Long.BYTES;
    byte[] header = change.apply(new String(sound, Long.BYTES, end - Long.BYTES, StandardCharsets.UTF_8))
        .getBytes(StandardCharsets.UTF_8);
    ByteBuffer out = ByteBuffer.allocate(Long.BYTES + header.length + sound.length - end)
        .order(ByteOrder.LITTLE_ENDIAN);
    Files.write(file, out.putLong(header.length).put(header).put(sound, end, sound.length - end).array());
  }

  /** Describes the first tensor of a file twice. */
  static void describeFirstTwice(Path file) throws IOException {
    changeHeader(file, header -> {
      int from = header.indexOf("},") + 2;
      int to = header.indexOf('}', from) + 1;
      return header.substring(0, to) + "," + header.substring(from, to) + header.substring(to);
    });
  }

  /** Lets the second tensor that a header describes begin where the data do, as another does. */
  static void overlap(Path file) throws IOException {
    changeHeader(file, header -> {
      MatchResult second = OFFSETS.matcher(header).results().skip(1).findFirst().orElseThrow();
      long bytes = Long.parseLong(second.group(2)) - Long.parseLong(second.group(1));
      return header.substring(0, second.start()) + "\"data_offsets\":[0," + bytes + "]"
          + header.substring(second.end());
    });
  }

  /** Writes another length of the header into its first bytes. */
  static void declareHeader(Path file, long length) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putLong(length);
    Files.write(file, bytes);
  }

  /** Cuts off the last bytes of a file. */
  static void truncate(Path file, int bytes) throws IOException {
    byte[] sound = Files.readAllBytes(file);
    Files.write(file, Arrays.copyOf(sound, sound.length - bytes));
  }

  /** Changes the text of a quantisation state. */
  void changeState(String weight, String part, String replacement) throws IOException {
    String name = weight + ".quant_state.bitsandbytes__nf4";
    String sound = new String(tensor(name).segment().toArray(ValueLayout.JAVA_BYTE),
        StandardCharsets.UTF_8);
    String changed = Pattern.compile(part).matcher(sound).replaceFirst(replacement);
    assertThat(changed).as(sound).isNotEqualTo(sound);
    byte[] bytes = changed.getBytes(StandardCharsets.UTF_8);
    put(name, HostTensor.ofBytes(DType.U8, Shape.of(bytes.length), bytes));
  }

  /** Sets a field of {@code config.json}. */
  void configure(String key, Object value) throws IOException {
    Map<String, @Nullable Object> config = new LinkedHashMap<>(
        Json.readObject(folder.resolve("config.json")));
    config.put(key, value);
    Files.writeString(folder.resolve("config.json"), Json.format(config));
  }
}
