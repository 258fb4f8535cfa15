package dev.graft.formats;

import dev.graft.error.GraftException;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Signature;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apiguardian.api.API;
import org.jspecify.annotations.Nullable;

/**
 * Reads a model folder in the format of Hugging Face transformers: {@code config.json} and safetensors, in
 * one file or in shards with an index.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class ModelFolder implements TensorSource, AutoCloseable {
  static final String CONFIG = "config.json";
  static final String WEIGHTS = "model.safetensors";
  static final String INDEX = "model.safetensors.index.json";

  private static final List<String> SIDE_FILES = List.of("generation_config.json", "tokenizer.json",
      "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "tokenizer.model",
      "spiece.model", "vocab.json", "vocab.txt", "merges.txt", "chat_template.jinja", "chat_template.json",
      "LICENSE", "LICENSE.txt", "LICENSE.md", "NOTICE", "NOTICE.txt", "USE_POLICY.md");

  /** Ends of the names of files that hold a model's weights, in whatever format. */
  private static final Pattern WEIGHT_FILE = Pattern.compile(
      ".*\\.(safetensors|bin|pt|pth|ckpt|h5|msgpack|gguf|onnx|tflite|ot)(\\.index\\.json|_data)?");

  /** A plain name on every system: printable ASCII without separators or what Windows reserves. */
  private static final Pattern SHARD = Pattern.compile("[ -~&&[^/\\\\:*?\"<>|]]+\\.safetensors");

  private final Path path;
  private final Map<String, @Nullable Object> config;
  private final Map<String, SafetensorsFile> tensors = new LinkedHashMap<>();
  private final Set<SafetensorsFile> files = new LinkedHashSet<>();
  private final List<String> unmapped = new ArrayList<>();

  private ModelFolder(Path path) {
    this.path = path;
    this.config = Json.readObject(path.resolve(CONFIG));
  }

  /**
   * Opens a model and checks the headers of all its weights.
   *
   * @throws GraftException if a file or a shard is missing, damaged, outside the folder or a pickle, if a
   *   tensor is not where the index says, or if two shards hold it
   */
  public static ModelFolder open(Path folder) {
    if (!Files.isDirectory(folder)) {
      throw new GraftException(folder + " is not a folder; a model is one, with " + CONFIG
          + " and safetensors" + ModelFolderWriter.rescueHint(folder));
    }
    ModelFolder model = new ModelFolder(folder);
    try {
      model.openWeights();
      return model;
    } catch (IOException e) {
      model.close();
      throw FileFaults.reading(folder, e);
    } catch (RuntimeException e) {
      model.close();
      throw e;
    }
  }

  private void openWeights() throws IOException {
    if (Files.exists(path.resolve(WEIGHTS))) {
      SafetensorsFile file = openFile(WEIGHTS);
      file.names().forEach(name -> tensors.put(name, file));
    } else if (Files.exists(path.resolve(INDEX))) {
      openShards();
    } else {
      Pickles.refuse(path, WEIGHTS);
      throw new GraftException(path + " has no weights: neither " + WEIGHTS + " nor " + INDEX + " is there");
    }
  }

  private SafetensorsFile openFile(String name) {
    SafetensorsFile file = SafetensorsFile.open(path.resolve(name));
    files.add(file);
    return file;
  }

  private void openShards() {
    Path index = path.resolve(INDEX);
    if (!(Json.readObject(index).get("weight_map") instanceof Map<?, ?> map)) {
      throw new GraftException(index + " lacks weight_map, which tells the shard of each tensor");
    }
    Map<String, String> shardOf = new LinkedHashMap<>();
    map.forEach((name, shard) -> shardOf.put(String.valueOf(name), shardName(shard, name, index)));
    for (String shard : new LinkedHashSet<>(shardOf.values())) {
      if (Files.notExists(path.resolve(shard))) {
        throw new GraftException("The shard " + path.resolve(shard) + ", which " + INDEX
            + " names, is missing. Download the model again, whole.");
      }
      openShard(shard, shardOf);
    }
    shardOf.forEach((name, shard) -> {
      if (!tensors.containsKey(name)) {
        throw new GraftException(index + " says that the tensor " + name + " lies in " + shard
            + ", but it is missing there");
      }
    });
  }

  private void openShard(String shard, Map<String, String> shardOf) {
    SafetensorsFile file = openFile(shard);
    for (String name : file.names()) {
      String mapped = shardOf.get(name);
      if (mapped == null) {
        unmapped.add(name);
      } else if (mapped.equals(shard)) {
        tensors.put(name, file);
      } else {
        throw new GraftException("The tensor " + name + " lies in " + file.path() + ", but " + INDEX
            + " says that it lies in " + mapped);
      }
    }
  }

  private static String shardName(@Nullable Object value, @Nullable Object tensor, Path index) {
    if (!(value instanceof String shard) || !SHARD.matcher(shard).matches() || shard.contains("..")) {
      throw new GraftException(index + " names \"" + value + "\" as the shard of " + tensor
          + ", which is no name of a safetensors file in this folder");
    }
    return shard;
  }

  /** Returns where the folder lies. */
  public Path path() {
    return path;
  }

  /** Returns all fields of {@code config.json} in the order of the file. */
  public Map<String, @Nullable Object> config() {
    return Collections.unmodifiableMap(config);
  }

  /** Returns the names of all tensors, file by file in the order of their bytes. */
  @Override
  public Set<String> names() {
    return Collections.unmodifiableSet(tensors.keySet());
  }

  /** Returns the names of the tensors that lie in a shard and not in the index; they are never read. */
  public List<String> unmappedTensors() {
    return Collections.unmodifiableList(unmapped);
  }

  @Override
  public Signature signature(String name) {
    return file(name).signature(name);
  }

  @Override
  public HostTensor tensor(String name) {
    return file(name).tensor(name);
  }

  /** Returns the file that a tensor lies in; empty if there is no tensor of this name. */
  public Optional<Path> fileOf(String name) {
    return Optional.ofNullable(tensors.get(name)).map(SafetensorsFile::path);
  }

  /**
   * Checks that no file of weights was written to since this folder was opened. Call it before a result that
   * depends on them is saved. A file that was replaced by another, or deleted, passes: what was opened stays.
   *
   * @throws GraftException if a file was written to; names it
   */
  public void verifyUnchanged() {
    files.forEach(SafetensorsFile::verifyUnchanged);
  }

  private SafetensorsFile file(String name) {
    SafetensorsFile file = tensors.get(name);
    if (file == null) {
      throw new GraftException("The tensor " + name + " is missing from the model " + path);
    }
    return file;
  }

  /** Returns the files that a changed model shares with this one: tokenizer, generation settings, licence. */
  public List<Path> sideFiles() {
    return SIDE_FILES.stream().map(path::resolve).filter(Files::isRegularFile).toList();
  }

  /**
   * Returns every file that holds no weights and is not {@code config.json}, sorted; hidden ones and folders
   * are left out.
   *
   * @throws GraftException if the folder cannot be read
   */
  public List<Path> otherFiles() {
    try (Stream<Path> files = Files.list(path)) {
      return files.filter(Files::isRegularFile).filter(file -> {
        String name = String.valueOf(file.getFileName());
        return !name.startsWith(".") && !name.equals(CONFIG) && !WEIGHT_FILE.matcher(name).matches();
      }).sorted().toList();
    } catch (IOException e) {
      throw FileFaults.reading(path, e);
    }
  }

  /** Unmaps all weights; the tensors must not be used afterwards. */
  @Override
  public void close() {
    files.forEach(SafetensorsFile::close);
  }
}
