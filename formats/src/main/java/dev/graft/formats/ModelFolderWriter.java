package dev.graft.formats;

import dev.graft.error.GraftException;
import dev.graft.graph.Signature;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.apiguardian.api.API;

/**
 * Writes a model folder in the format of Hugging Face transformers. The folder is written beside its place
 * under a temporary name and renamed when it is whole; tensors are asked for one at a time.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class ModelFolderWriter {
  /** Largest shard unless another limit is set, in bytes. */
  public static final long SHARD_BYTES = 5_000_000_000L;

  private static final String DRAFT = ".graft-draft";
  private static final String OLD = ".graft-old";

  private final SafeFiles safe;
  private final long shardBytes;
  private final boolean replace;

  ModelFolderWriter(SafeFiles safe, long shardBytes, boolean replace) {
    this.safe = safe;
    this.shardBytes = shardBytes;
    this.replace = replace;
  }

  /** Creates a writer of shards of 5 GB that refuses to replace anything. */
  public static ModelFolderWriter standard() {
    return new ModelFolderWriter(SafeFiles.DISK, SHARD_BYTES, false);
  }

  /** Returns a writer of shards of at most so many bytes; a larger tensor has a shard of its own. */
  public ModelFolderWriter withShardBytes(long bytes) {
    if (bytes <= 0) {
      throw new GraftException("A shard must be allowed at least one byte, not " + bytes);
    }
    return new ModelFolderWriter(safe, bytes, replace);
  }

  /** Returns a writer that replaces an older model, the whole folder with everything in it. */
  public ModelFolderWriter replacing() {
    return new ModelFolderWriter(safe, shardBytes, true);
  }

  /**
   * Checks early that {@link #write} would not be refused for what stands at its target.
   *
   * @throws GraftException if the target holds something else
   */
  public void check(Path target) {
    try {
      Optional<String> obstacle = obstacle(place(target));
      if (obstacle.isPresent()) {
        throw new GraftException(obstacle.get());
      }
    } catch (IOException e) {
      throw FileFaults.writing(target, e);
    }
  }

  /**
   * Checks early that {@link #write} would not be refused, and that it would not replace what it is made of.
   *
   * @param sources folders that are read for it
   * @throws GraftException if the target holds something else, or is or holds a source
   */
  public void check(Path target, Collection<Path> sources) {
    try {
      for (Path source : sources) {
        if (source.toRealPath().startsWith(place(target))) {
          throw new GraftException(target + " cannot be written: "
              + (source.toRealPath().equals(place(target)) ? "it is " : "in it lies ") + source
              + ", which is read for it and stays as it is. Name another folder");
        }
      }
    } catch (IOException e) {
      throw FileFaults.writing(target, e);
    }
    check(target);
  }

  private static Path place(Path target) throws IOException {
    return Files.exists(target) ? target.toRealPath() : target.toAbsolutePath().normalize();
  }

  /**
   * Writes a model.
   *
   * @param target the folder; it must be absent or empty unless this writer replaces a model
   * @param config the fields of {@code config.json}
   * @param tensors written in the order of their names()
   * @param sideFiles copied under their own names, such as {@link ModelFolder#sideFiles}
   * @throws GraftException if the target holds something else or is being written by another process, if a tensor
   *   holds NaN or infinity, or if the disk refuses; the target is unchanged then
   */
  public void write(Path target, Map<String, ?> config, TensorSource tensors, Collection<Path> sideFiles) {
    try {
      Path place = place(target);
      try (FolderLock _ = FolderLock.beside(place)) {
        write(place, target, config, tensors, sideFiles);
      }
    } catch (IOException e) {
      throw FileFaults.writing(target, e);
    }
  }

  private void write(Path place, Path target, Map<String, ?> config, TensorSource tensors,
      Collection<Path> sideFiles) throws IOException {
    Path draft = sibling(place, DRAFT);
    recover(place, draft);
    Optional<String> obstacle = obstacle(place);
    if (obstacle.isPresent()) {
      throw new GraftException(obstacle.get());
    }
    safe.createDirectories(SafeFiles.directoryOf(place));
    safe.files().createDirectory(draft);
    try {
      fill(draft, target, config, tensors, sideFiles);
      swap(draft, place);
    } catch (IOException | RuntimeException e) {
      safe.discard(draft, e);
      throw e;
    }
  }

  /** Tells where a model is to be found whose replacement was cut short, as the end of an error message. */
  static String rescueHint(Path place) {
    Path old = sibling(place.toAbsolutePath().normalize(), OLD);
    return Files.exists(old) ? ". A save was cut short; the model before it lies in " + old : "";
  }

  private static Path sibling(Path place, String suffix) {
    if (place.getFileName() == null) {
      throw new GraftException(place + " cannot be a model folder");
    }
    return place.resolveSibling("." + place.getFileName() + suffix);
  }

  /** Undoes what an earlier write that was cut short has left. */
  private void recover(Path place, Path draft) throws IOException {
    Path old = sibling(place, OLD);
    if (Files.exists(old)) {
      if (Files.notExists(place)) {
        safe.files().move(old, place);
      } else {
        safe.deleteTree(old);
      }
    }
    safe.deleteTree(draft);
  }

  private Optional<String> obstacle(Path place) throws IOException {
    if (Files.notExists(place)) {
      return Optional.empty();
    }
    if (!Files.isDirectory(place)) {
      return Optional.of(place + " is a file, and the model needs a folder of this name");
    }
    if (isEmpty(place)) {
      return Optional.empty();
    }
    if (!replace) {
      return Optional
          .of(place + " exists and is not empty; choose another folder or ask for it to be replaced");
    }
    if (Files.notExists(place.resolve(ModelFolder.CONFIG))) {
      return Optional.of(place + " is not replaced, since it is no model folder: it has no "
          + ModelFolder.CONFIG);
    }
    return Optional.empty();
  }

  private static boolean isEmpty(Path directory) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      return files.findAny().isEmpty();
    }
  }

  private void fill(Path draft, Path target, Map<String, ?> config, TensorSource tensors,
      Collection<Path> sideFiles) throws IOException {
    safe.write(draft.resolve(ModelFolder.CONFIG), Content.of(Json.format(config) + "\n"));
    List<Map<String, Signature>> shards = shards(tensors);
    Map<String, String> shardOf = new LinkedHashMap<>();
    for (int i = 0; i < shards.size(); i++) {
      String file = shards.size() == 1
          ? ModelFolder.WEIGHTS
          : "model-%05d-of-%05d.safetensors".formatted(i + 1, shards.size());
      shards.get(i).keySet().forEach(name -> shardOf.put(name, file));
      safe.write(draft.resolve(file), SafetensorsWriter.pytorch().refusingNonFinite()
          .content(target.resolve(file), TensorSource.of(shards.get(i), tensors::tensor)));
    }
    if (shards.size() > 1) {
      safe.write(draft.resolve(ModelFolder.INDEX), Content.of(index(tensors, shardOf)));
    }
    for (Path file : sideFiles) {
      Path copy = draft.resolve(String.valueOf(file.getFileName()));
      if (Files.exists(copy)) {
        throw new IllegalArgumentException(file + " would replace a file of the model itself");
      }
      safe.write(copy, Content.copyOf(file));
    }
    safe.files().force(draft);
  }

  private List<Map<String, Signature>> shards(TensorSource tensors) {
    List<Map<String, Signature>> shards = new ArrayList<>();
    Map<String, Signature> shard = new LinkedHashMap<>();
    shards.add(shard);
    long size = 0;
    for (String name : tensors.names()) {
      Signature signature = tensors.signature(name);
      long bytes = bytes(signature);
      if (!shard.isEmpty() && size + bytes > shardBytes) {
        shard = new LinkedHashMap<>();
        shards.add(shard);
        size = 0;
      }
      shard.put(name, signature);
      size += bytes;
    }
    return shards;
  }

  private static String index(TensorSource tensors, Map<String, String> shardOf) {
    long bytes = 0;
    long parameters = 0;
    for (String name : tensors.names()) {
      bytes += bytes(tensors.signature(name));
      parameters += tensors.signature(name).shape().size();
    }
    return Json.format(Map.of(
        "metadata", Map.of("total_size", bytes, "total_parameters", parameters),
        "weight_map", shardOf)) + "\n";
  }

  private static long bytes(Signature signature) {
    return signature.shape().size() * signature.dtype().bytes();
  }

  private void swap(Path draft, Path place) throws IOException {
    Path old = sibling(place, OLD);
    boolean replaced = Files.exists(place) && !isEmpty(place);
    if (replaced) {
      safe.files().move(place, old);
    } else {
      safe.files().delete(place);
    }
    try {
      safe.files().move(draft, place);
    } catch (IOException e) {
      if (replaced) {
        safe.files().move(old, place);
      }
      throw e;
    }
    safe.files().force(SafeFiles.directoryOf(place));
    safe.deleteTree(old);
  }
}
