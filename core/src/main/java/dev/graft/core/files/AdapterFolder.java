package dev.graft.core.files;

import dev.graft.error.GraftException;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Signature;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import org.apiguardian.api.API;
import org.jspecify.annotations.Nullable;

/**
 * Reads and writes a folder in PEFT's format: {@code adapter_config.json} and
 * {@code adapter_model.safetensors}. The two always belong together, even if a process died while it saved.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class AdapterFolder implements TensorSource, AutoCloseable {
  private static final String PEFT_TYPE = "peft_type";
  private static final int ATTEMPTS = 50;
  private static final Duration PAUSE = Duration.ofMillis(5);

  private final Path path;
  private final Map<String, @Nullable Object> config;
  private final SafetensorsFile weights;

  private AdapterFolder(Path path, Map<String, @Nullable Object> config, SafetensorsFile weights) {
    this.path = path;
    this.config = config;
    this.weights = weights;
  }

  /**
   * Opens an adapter.
   *
   * @throws GraftException if a file is missing, damaged or a pickle, if {@code peft_type} is absent, or if a
   *   tensor holds NaN or infinity
   */
  public static AdapterFolder open(Path folder) {
    AdapterPair pair = new AdapterPair(folder, SafeFiles.DISK);
    try {
      // A save may run while the files are opened one after the other; then what was opened is let go.
      for (int attempt = 1;; attempt++) {
        List<String> before = pair.stamp();
        try {
          AdapterFolder opened = open(folder, pair);
          if (pair.stamp().equals(before)) {
            return opened;
          }
          opened.close();
        } catch (GraftException | IOException e) {
          if (pair.stamp().equals(before)) {
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

  private static AdapterFolder open(Path folder, AdapterPair pair) throws IOException {
    if (!Files.isDirectory(folder)) {
      throw new GraftException(folder + " is not a folder; an adapter is one, with " + AdapterPair.CONFIG
          + " and " + AdapterPair.WEIGHTS);
    }
    AdapterPair.Current current = pair.current();
    if (Files.notExists(current.config())) {
      throw new GraftException(folder + " is not an adapter: " + AdapterPair.CONFIG + " is missing");
    }
    Map<String, @Nullable Object> config = Json.readObject(current.config());
    peftType(config, current.config().toString());
    if (Files.notExists(current.weights())) {
      Pickles.refuse(folder, AdapterPair.WEIGHTS);
      throw new GraftException(folder + " has no weights: " + AdapterPair.WEIGHTS + " is missing");
    }
    SafetensorsFile weights = SafetensorsFile.open(current.weights());
    try {
      for (String name : weights.names()) {
        NonFinite.refuse(weights.tensor(name), "The tensor " + name + " of " + current.weights());
      }
    } catch (GraftException e) {
      weights.close();
      throw e;
    }
    return new AdapterFolder(folder, config, weights);
  }

  /**
   * Saves an adapter in the place of an older one, if there is one, as a pair: whenever the process ends,
   * {@link #open} finds the old pair or the new. Other files in the folder stay. One process may save to a
   * folder at a time.
   *
   * @param config the fields of {@code adapter_config.json}; written as PEFT does, sorted
   * @param tensors asked for one at a time
   * @throws GraftException if the disk refuses, if {@code peft_type} is absent, or if a tensor holds NaN or
   *   infinity; the old pair stands then
   */
  public static void save(Path folder, Map<String, ?> config, TensorSource tensors) {
    save(folder, config, tensors, SafeFiles.DISK);
  }

  static void save(Path folder, Map<String, ?> config, TensorSource tensors, SafeFiles safe) {
    AdapterPair pair = new AdapterPair(folder, safe);
    peftType(config, "The configuration to be written to " + pair.config());
    try {
      pair.replace(
          Content.of(Json.format(config)),
          SafetensorsWriter.pytorch().refusingNonFinite().content(pair.weights(), tensors));
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

  /** Unmaps the weights; the tensors must not be used afterwards. */
  @Override
  public void close() {
    weights.close();
  }
}
