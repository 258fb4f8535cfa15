package dev.graft.formats;

import dev.graft.error.GraftException;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Signature;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import org.apiguardian.api.API;
import org.jspecify.annotations.Nullable;

/**
 * Reads and writes a folder in PEFT's format: {@code adapter_config.json} and
 * {@code adapter_model.safetensors}, and beside them, unknown to PEFT, {@code graft_training.safetensors}
 * with parameters that only training needs. They always belong together, even if a process died while it
 * saved.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class AdapterFolder implements TensorSource, AutoCloseable {
  private static final String PEFT_TYPE = "peft_type";
  private static final int ATTEMPTS = 50;
  private static final Duration PAUSE = Duration.ofMillis(5);

  private final Path path;
  private final Map<String, @Nullable Object> config;
  private final SafetensorsFile weights;
  private final Optional<SafetensorsFile> training;
  private final boolean trainingFits;

  private AdapterFolder(Path path, Map<String, @Nullable Object> config, SafetensorsFile weights,
      Optional<SafetensorsFile> training, boolean trainingFits) {
    this.path = path;
    this.config = config;
    this.weights = weights;
    this.training = training;
    this.trainingFits = trainingFits;
  }

  /**
   * Opens an adapter.
   *
   * @throws GraftException if a file is missing, damaged or a pickle, if {@code peft_type} is absent, or if a
   *   tensor holds NaN or infinity
   */
  public static AdapterFolder open(Path folder) {
    AdapterFiles files = new AdapterFiles(folder, SafeFiles.DISK);
    try {
      // A save may run while the files are opened one after the other; then what was opened is let go.
      for (int attempt = 1;; attempt++) {
        List<String> before = files.stamp();
        try {
          AdapterFolder opened = open(folder, files);
          if (isUnchanged(files, before, opened)) {
            return opened;
          }
          opened.close();
        } catch (GraftException | IOException e) {
          if (files.stamp().equals(before)) {
            throw e;
          }
        }
        if (attempt == ATTEMPTS) {
          throw new GraftException(folder + " changes all the time: some other process saves to it. Try again"
              + " when that is done.");
        }
        LockSupport.parkNanos(PAUSE.toNanos());
      }
    } catch (IOException e) {
      throw FileFaults.reading(folder, e);
    }
  }

  private static AdapterFolder open(Path folder, AdapterFiles files) throws IOException {
    if (!Files.isDirectory(folder)) {
      throw new GraftException(folder + " is not a folder; an adapter is one, with " + AdapterFiles.CONFIG
          + " and " + AdapterFiles.WEIGHTS);
    }
    AdapterFiles.Current current = files.current();
    if (Files.notExists(current.config())) {
      throw new GraftException(folder + " is not an adapter: " + AdapterFiles.CONFIG + " is missing");
    }
    Map<String, @Nullable Object> config = Json.readObject(current.config());
    peftType(config, current.config().toString());
    if (Files.notExists(current.weights())) {
      Pickles.refuse(folder, AdapterFiles.WEIGHTS);
      throw new GraftException(folder + " has no weights: " + AdapterFiles.WEIGHTS + " is missing");
    }
    SafetensorsFile weights = openFinite(current.weights());
    try {
      return open(folder, config, weights, current);
    } catch (RuntimeException | IOException | Error e) {
      weights.close();
      throw e;
    }
  }

  private static AdapterFolder open(Path folder, Map<String, @Nullable Object> config,
      SafetensorsFile weights, AdapterFiles.Current current) throws IOException {
    if (current.training().isEmpty()) {
      return new AdapterFolder(folder, config, weights, Optional.empty(), false);
    }
    Fingerprint fingerprint = Fingerprint.of(current.weights());
    SafetensorsFile training = openFinite(current.training().get());
    return new AdapterFolder(folder, config, weights, Optional.of(training),
        mark(fingerprint).equals(training.metadata()));
  }

  private static boolean isUnchanged(AdapterFiles files, List<String> before, AdapterFolder opened)
      throws IOException {
    try {
      return files.stamp().equals(before);
    } catch (IOException | RuntimeException e) {
      opened.close();
      throw e;
    }
  }

  private static SafetensorsFile openFinite(Path path) {
    SafetensorsFile file = SafetensorsFile.open(path);
    try {
      for (String name : file.names()) {
        NonFinite.refuse(file.tensor(name), "The tensor " + name + " of " + path);
      }
      return file;
    } catch (RuntimeException | Error e) {
      file.close();
      throw e;
    }
  }

  /** Returns metadata that says which weights a file belongs to. */
  private static Map<String, String> mark(Fingerprint weights) {
    return Map.of("format", "pt", AdapterFiles.WEIGHTS,
        weights.bytes() + " bytes, CRC-32C " + HexFormat.of().toHexDigits((int) weights.crc32c()));
  }

  /**
   * Saves an adapter in the place of an older one, if there is one, as a pair: whenever the process ends,
   * {@link #open} finds the old pair or the new. Other files in the folder stay. One process may save to a
   * folder at a time.
   *
   * @param config the fields of {@code adapter_config.json}; written as PEFT does, sorted, but for the order
   *   within a field, which may count
   * @param tensors asked for one at a time
   * @throws GraftException if the disk refuses, if {@code peft_type} is absent, or if a tensor holds NaN or
   *   infinity; the old pair stands then
   */
  public static void save(Path folder, Map<String, ?> config, TensorSource tensors) {
    save(folder, config, tensors, Optional.empty(), SafeFiles.DISK);
  }

  /**
   * Saves an adapter, with parameters that only training needs.
   *
   * @param training asked for one at a time; none are written if there are none
   */
  public static void save(Path folder, Map<String, ?> config, TensorSource tensors, TensorSource training) {
    save(folder, config, tensors, Optional.of(training).filter(t -> !t.names().isEmpty()), SafeFiles.DISK);
  }

  static void save(Path folder, Map<String, ?> config, TensorSource tensors, Optional<TensorSource> training,
      SafeFiles safe) {
    AdapterFiles files = new AdapterFiles(folder, safe);
    peftType(config, "The configuration to be written to " + files.config());
    try {
      files.replace(
          Content.of(Json.formatFields(config)),
          SafetensorsWriter.pytorch().refusingNonFinite().content(files.weights(), tensors),
          training.map(source -> weights -> SafetensorsWriter.withMetadata(mark(weights)).refusingNonFinite()
              .content(files.training(), source)));
    } catch (IOException e) {
      throw FileFaults.writing(folder, e);
    }
  }

  private static String peftType(Map<String, ?> config, String where) {
    if (config.get(PEFT_TYPE) instanceof String type && !type.isBlank()) {
      return type;
    }
    throw new GraftException(where + " lacks " + PEFT_TYPE + ", the name of the method, such as \"LORA\"");
  }

  /** Returns where the folder lies. */
  public Path path() {
    return path;
  }

  /** Returns all fields of {@code adapter_config.json} in the order of the file, unknown ones too. */
  public Map<String, @Nullable Object> config() {
    return Collections.unmodifiableMap(config);
  }

  /** Returns the method's name in PEFT's spelling, such as {@code LORA}. */
  public String peftType() {
    return peftType(config, path.toString());
  }

  @Override
  public Set<String> names() {
    return weights.names();
  }

  @Override
  public Signature signature(String name) {
    return weights.signature(name);
  }

  @Override
  public HostTensor tensor(String name) {
    return weights.tensor(name);
  }

  /**
   * Returns the parameters that only training needs.
   *
   * @throws GraftException if there are none, or if they belong to other weights
   */
  public TensorSource training() {
    SafetensorsFile file = training.orElseThrow(() -> new GraftException(path + " cannot be trained further:"
        + " parameters that only training needs are missing, as in every adapter of this kind that was not"
        + " saved by Graft. Use it as it is, or train a new one"));
    if (!trainingFits) {
      throw new GraftException(file.path() + " belongs to other weights than those in " + AdapterFiles.WEIGHTS
          + ", which were replaced since, so the adapter cannot be trained further. Use it as it is, or copy"
          + " the files of one save into the folder");
    }
    return file;
  }

  /** Unmaps the weights; the tensors must not be used afterwards. */
  @Override
  public void close() {
    weights.close();
    training.ifPresent(SafetensorsFile::close);
  }
}
