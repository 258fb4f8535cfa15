package dev.graft.core.weights;

import dev.graft.formats.TensorCasts;
import dev.graft.formats.TensorSource;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Signature;
import dev.graft.spi.ModelOutline;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Finds out from a checkpoint whether a head that is to share the embedding's weight does, as Hugging Face
 * transformers does: a head with other values than the embedding is a weight of its own, and of the two names the
 * only one that is there stands for both.
 *
 * @param untied names of the weights that are not shared after all
 * @param tensors the checkpoint's, under the names that the model asks for
 * @param notes what the user should know
 */
record TiedWeights(Set<String> untied, TensorSource tensors, List<String> notes) {

  static TiedWeights of(ModelOutline outline, TensorSource checkpoint) {
    Set<String> untied = new LinkedHashSet<>();
    List<String> notes = new ArrayList<>();
    Map<String, String> renamed = new LinkedHashMap<>();
    Set<String> names = checkpoint.names();
    outline.tied().forEach((own, table) -> {
      if (!names.contains(own)) {
        return;
      }
      if (!names.contains(table)) {
        renamed.put(own, table);
      } else if (!equal(checkpoint, own, table)) {
        untied.add(own);
        notes.add("config.json says that " + own + " is tied to " + table
            + ", but the checkpoint holds both with different values: they are not tied here.");
      }
    });
    return new TiedWeights(untied, renamed.isEmpty() ? checkpoint : renamed(checkpoint, renamed), notes);
  }

  private static boolean equal(TensorSource checkpoint, String own, String table) {
    Signature one = checkpoint.signature(own);
    Signature other = checkpoint.signature(table);
    if (!one.shape().equals(other.shape()) || !one.dtype().isFloating() || !other.dtype().isFloating()) {
      return false;
    }
    DType type = one.dtype() == other.dtype() ? one.dtype() : DType.F32;
    HostTensor head = TensorCasts.cast(checkpoint.tensor(own), type);
    return head.segment().mismatch(TensorCasts.cast(checkpoint.tensor(table), type).segment()) < 0;
  }

  private static TensorSource renamed(TensorSource checkpoint, Map<String, String> names) {
    Map<String, Signature> signatures = new LinkedHashMap<>();
    Map<String, String> stored = new LinkedHashMap<>();
    checkpoint.names().forEach(name -> {
      String wanted = names.getOrDefault(name, name);
      signatures.put(wanted, checkpoint.signature(name));
      stored.put(wanted, name);
    });
    return TensorSource.of(signatures, wanted -> checkpoint.tensor(stored.getOrDefault(wanted, wanted)));
  }
}
