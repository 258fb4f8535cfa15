package dev.graft.core.attach;

import dev.graft.error.GraftException;
import dev.graft.formats.AdapterFolder;
import dev.graft.formats.TensorCasts;
import dev.graft.formats.TensorSource;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.spi.Session;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.apiguardian.api.API;

/** Moves an adapter's tensors between files, the host and a session. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class AdapterWeights {
  private AdapterWeights() {
  }

  /** Returns the name of the variable that holds a tensor of an adapter. */
  public static String variable(String adapter, String key) {
    return "adapter/" + adapter + "/" + key;
  }

  /**
   * Holds an adapter as its file has it.
   *
   * @param attachment the one that was asked for, with the tables that the file has in the place of the base's
   * @param values by key, in the type of the file
   */
  public record Stored(Attachment attachment, Map<String, HostTensor> values) {}

  /**
   * Reads all tensors of an adapter. Keys may hold what PEFT drops on saving, such as the adapter's name. Copies
   * of the base's tables are left out, unless they were rounded: then the adapter was trained on them, and they
   * take the place of the base's, as in PEFT.
   *
   * @param file whose floating-point tensors are finite
   * @param base gives a base parameter's values in F32
   * @throws GraftException if a tensor is missing, unexpected, of another shape or of integers, or if a stored
   *   copy of a base tensor differs from the base by more than rounding; names them all
   */
  public static Stored read(Attachment attachment, TensorSource file, String origin,
      Function<String, HostTensor> base) {
    return new StoredTensors(attachment, file, origin, base).read();
  }

  /** Uploads an adapter's tensors under its name. */
  public static void upload(Session session, String adapter, Map<String, HostTensor> values, DType type) {
    allOrNone(session, adapter, values.keySet(),
        () -> values.forEach((key, value) -> Uploads.cast(session, variable(adapter, key), value, type)));
  }

  /** Uploads copies of an adapter's tensors, for when the file that they lie in will be closed. */
  public static void uploadCopies(Session session, String adapter, Map<String, HostTensor> values,
      DType type) {
    allOrNone(session, adapter, values.keySet(),
        () -> values.forEach((key, value) -> Uploads.copy(session, variable(adapter, key), value, type)));
  }

  /** Frees an adapter's variables. */
  public static void release(Session session, String adapter, Set<String> keys) {
    keys.forEach(key -> session.release(variable(adapter, key)));
  }

  /** Makes an adapter's variables; if that fails, none stays. */
  public static void allOrNone(Session session, String adapter, Set<String> keys, Runnable upload) {
    try {
      upload.run();
    } catch (RuntimeException | Error e) {
      try {
        release(session, adapter, keys);
      } catch (RuntimeException further) {
        e.addSuppressed(further);
      }
      throw e;
    }
  }

  /**
   * Saves an adapter in PEFT's format.
   *
   * @param base gives a base parameter's values in F32
   * @param values by key; those that the method's export replaces are left out by the caller
   * @param basePath what {@code base_model_name_or_path} becomes
   */
  public static void save(Path folder, Attachment attachment, Map<String, HostTensor> values,
      Function<String, HostTensor> base, String basePath) {
    save(folder, attachment, values, Map.of(), base, basePath);
  }

  /**
   * Saves an adapter in PEFT's format, and beside it what its method's export leaves out.
   *
   * @param training values by key that only training needs
   */
  public static void save(Path folder, Attachment attachment, Map<String, HostTensor> values,
      Map<String, HostTensor> training, Function<String, HostTensor> base, String basePath) {
    Map<String, HostTensor> all = new LinkedHashMap<>(values);
    attachment.tensors().values().stream().filter(tensor -> !tensor.stored())
        .forEach(tensor -> all.remove(tensor.key()));
    attachment.aliases().forEach((alias, key) -> {
      HostTensor value = all.get(key);
      if (value != null) {
        all.put(alias, value);
      }
    });
    attachment.writtenBaseCopies()
        .forEach((key, parameter) -> all.computeIfAbsent(key, _ -> base.apply(parameter)));
    AdapterFolder.save(folder, attachment.config(basePath), TensorSource.of(all), TensorSource.of(training));
  }
}
