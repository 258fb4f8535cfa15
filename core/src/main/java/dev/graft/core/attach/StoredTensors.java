package dev.graft.core.attach;

import dev.graft.error.GraftException;
import dev.graft.formats.TensorCasts;
import dev.graft.formats.TensorSource;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Stream;

/** Reads an adapter's tensors from its file, and tells all that does not fit. */
final class StoredTensors {
  private static final int SHOWN = 5;

  private final Attachment attachment;
  private final TensorSource file;
  private final String origin;
  private final Function<String, HostTensor> base;
  private final Map<String, String> keys;
  private final Map<String, String> copies;
  private final List<String> faults = new ArrayList<>();
  private final Map<String, HostTensor> values = new LinkedHashMap<>();
  private final Map<String, String> tables = new LinkedHashMap<>();
  private final Set<String> remarks = new LinkedHashSet<>();

  StoredTensors(Attachment attachment, TensorSource file, String origin, Function<String, HostTensor> base) {
    this.attachment = attachment;
    this.file = file;
    this.origin = origin;
    this.base = base;
    this.copies = attachment.baseCopies();
    Set<String> own = new LinkedHashSet<>(attachment.tensors().keySet());
    own.addAll(attachment.aliases().keySet());
    StoredKeys stored = new StoredKeys(file.names(), own, copies.keySet(), origin);
    this.keys = stored.found();
    new TreeSet<>(stored.unexpected()).stream().filter(key -> !attachment.ignores(key)).forEach(
        key -> faults.add("tensor " + key + " is unexpected: this adapter has no such tensor"));
  }

  AdapterWeights.Stored read() {
    List<String> unexpected = List.copyOf(faults);
    faults.clear();
    attachment.tensors().forEach((key, tensor) -> {
      List<String> present = Stream
          .concat(Stream.of(key), tensor.spec().stream().flatMap(spec -> spec.aliases().stream()))
          .filter(keys::containsKey).toList();
      if (!present.isEmpty()) {
        take(key, present.getFirst(), tensor.shape());
        present.stream().skip(1).forEach(alias -> requireSame(present.getFirst(), alias));
      } else if (!tensor.stored()) {
        values.put(key, tensor.unstoredValue());
      } else {
        faults.add("tensor " + key + " " + tensor.shape() + " is missing");
      }
    });
    faults.addAll(unexpected);
    copies.forEach((key, parameter) -> {
      if (keys.containsKey(key) && !attachment.tensors().containsKey(key)) {
        compare(key, parameter);
      }
    });
    if (!faults.isEmpty()) {
      throw new GraftException(origin + " does not fit: "
          + String.join("; ", faults.subList(0, Math.min(SHOWN, faults.size())))
          + (faults.size() > SHOWN ? "; and " + (faults.size() - SHOWN) + " more" : "")
          + (unexpected.isEmpty() || attachment.notes().isEmpty()
              ? ""
              : ". " + String.join(" ", attachment.notes())));
    }
    return tables.isEmpty()
        ? new AdapterWeights.Stored(attachment, values)
        : new AdapterWeights.Stored(attachment.withTables(tables, List.copyOf(remarks)), values);
  }

  private String stored(String key) {
    return keys.getOrDefault(key, key);
  }

  /** Requires that two keys of one tensor hold the same values. */
  private void requireSame(String key, String alias) {
    if (!file.signature(stored(key)).equals(file.signature(stored(alias)))
        || !equal(file.tensor(stored(key)), file.tensor(stored(alias)))) {
      faults.add("tensors " + stored(key) + " and " + stored(alias)
          + " must be equal, since the adapter has one tensor for both");
    }
  }

  private void take(String key, String at, Shape wanted) {
    Shape found = file.signature(stored(at)).shape();
    DType type = file.signature(stored(at)).dtype();
    if (!found.equals(wanted)) {
      faults.add("tensor " + stored(at) + " has shape " + found
          + ", but the configuration and the model ask for " + wanted
          + resized(key, found, wanted).orElse(""));
    } else if (!type.isFloating()) {
      faults.add("tensor " + stored(at) + " is stored as " + type + ", but must be floating-point");
    } else {
      values.put(key, file.tensor(stored(at)));
    }
  }

  /** Compares a copy of a base tensor with the base. */
  private void compare(String key, String parameter) {
    Shape found = file.signature(stored(key)).shape();
    HostTensor own = base.apply(parameter);
    if (!found.equals(own.shape())) {
      faults.add("tensor " + stored(key) + " has shape " + found + ", but the base model's " + parameter
          + " has " + own.shape() + resized(key, found, own.shape()).orElse(
              ": the adapter belongs to another base"));
      return;
    }
    HostTensor copy = TensorCasts.cast(file.tensor(stored(key)), DType.F32);
    if (equal(copy, own)) {
      return;
    }
    Optional<DType> rounded = List.of(DType.BF16, DType.F16).stream()
        .filter(type -> equal(copy, TensorCasts.cast(TensorCasts.cast(own, type), DType.F32))).findFirst();
    if (rounded.isEmpty()) {
      faults.add("tensor " + stored(key) + " is not equal to the base model's " + parameter
          + ": the adapter belongs to another base");
    } else if (!tables.containsValue(parameter)) {
      tables.put(key, parameter);
      values.put(key, file.tensor(stored(key)));
      remarks.add(origin + " holds the base model's " + parameter + " rounded to " + rounded.get()
          + ", the type in which it was trained; the rounded values are used, as in PEFT.");
    }
  }

  private static boolean equal(HostTensor one, HostTensor other) {
    return one.segment().mismatch(other.segment()) < 0;
  }

  /** Says what is to be done if a tensor is of a model with more or fewer tokens. */
  private Optional<String> resized(String key, Shape found, Shape wanted) {
    if (found.rank() != wanted.rank()) {
      return Optional.empty();
    }
    for (int axis = 0; axis < wanted.rank(); axis++) {
      if (wanted.dim(axis) != found.dim(axis)) {
        boolean only = found.with(axis, wanted.dim(axis)).equals(wanted);
        return only && attachment.isVocabulary(key, wanted.dim(axis))
            ? Optional.of(
                ": the adapter belongs to another base, or its vocabulary was resized to " + found.dim(axis)
                    + " tokens before it was trained. In that case grow the base first"
                    + " (model.resize_token_embeddings(" + found.dim(axis)
                    + ") and save_pretrained in transformers,"
                    + " with the tokenizer that was used), and name the grown model as the base")
            : Optional.empty();
      }
    }
    return Optional.empty();
  }
}
