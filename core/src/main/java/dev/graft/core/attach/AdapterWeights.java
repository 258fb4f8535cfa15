package dev.graft.core.attach;

import dev.graft.error.GraftException;
import dev.graft.formats.AdapterFolder;
import dev.graft.formats.NonFinite;
import dev.graft.formats.TensorCasts;
import dev.graft.formats.TensorSource;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.spi.Session;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
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
   * Reads all tensors of an adapter.
   *
   * @param base gives a base parameter's values in F32
   * @return the values by key, in the type of the file
   * @throws GraftException if a tensor is missing, unexpected, of another shape, of integers or not finite, or
   * if a stored copy of a base tensor differs from the base; names them all
   */
  public static Map<String, HostTensor> read(Attachment attachment, TensorSource file, String origin,
      Function<String, HostTensor> base) {
    Map<String, AdapterTensor> wanted = attachment.tensors();
    Map<String, String> copies = attachment.baseCopies();
    List<String> faults = new ArrayList<>();
    Map<String, HostTensor> values = new LinkedHashMap<>();
    wanted.forEach((key, tensor) -> {
      if (!file.names().contains(key)) {
        faults.add("tensor " + key + " " + tensor.shape() + " is missing");
        return;
      }
      Shape found = file.signature(key).shape();
      if (!found.equals(tensor.shape())) {
        faults.add("tensor " + key + " has shape " + found + ", but the configuration and the model ask for "
            + tensor.shape());
        return;
      }
      DType type = file.signature(key).dtype();
      if (!type.isFloating()) {
        faults.add("tensor " + key + " is stored as " + type + ", but must be floating-point");
        return;
      }
      HostTensor value = file.tensor(key);
      NonFinite.refuse(value, origin + ": tensor " + key);
      values.put(key, value);
    });
    Set<String> rest = new TreeSet<>(file.names());
    rest.removeAll(wanted.keySet());
    for (String key : rest) {
      String parameter = copies.get(key);
      if (parameter == null) {
        faults.add("tensor " + key + " is unexpected: this adapter has no such tensor");
      } else if (!equal(file.tensor(key), base.apply(parameter))) {
        faults.add("tensor " + key + " is not equal to the base model's " + parameter
            + ": the adapter belongs to another base");
      }
    }
    if (!faults.isEmpty()) {
      int shown = Math.min(5, faults.size());
      throw new GraftException(origin + " does not fit: " + String.join("; ", faults.subList(0, shown))
          + (faults.size() > shown ? "; and " + (faults.size() - shown) + " more" : ""));
    }
    return values;
  }

  private static boolean equal(HostTensor copy, HostTensor base) {
    if (!copy.shape().equals(base.shape())) {
      return false;
    }
    HostTensor wide = TensorCasts.cast(copy, DType.F32);
    return wide.segment().mismatch(base.segment()) < 0;
  }

  /** Returns copies of tensors, for when the file that they lie in will be closed. */
  public static Map<String, HostTensor> copies(Map<String, HostTensor> values) {
    Map<String, HostTensor> copies = new LinkedHashMap<>();
    values.forEach((key, value) -> {
      HostTensor copy = HostTensor.zeros(value.dtype(), value.shape());
      copy.segment().copyFrom(value.segment());
      copies.put(key, copy);
    });
    return copies;
  }

  /** Uploads an adapter's tensors under its name. */
  public static void upload(Session session, String adapter, Map<String, HostTensor> values, DType type) {
    values.forEach((key, value) -> session.upload(variable(adapter, key), TensorCasts.cast(value, type)));
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
    attachment.writtenBaseCopies()
        .forEach((key, parameter) -> all.put(key, base.apply(parameter)));
    AdapterFolder.save(folder, attachment.config(basePath), TensorSource.of(all), TensorSource.of(training));
  }
}
