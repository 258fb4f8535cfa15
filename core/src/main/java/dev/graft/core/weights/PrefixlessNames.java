package dev.graft.core.weights;

import dev.graft.formats.TensorSource;
import dev.graft.graph.Signature;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * Finds the tensors of a checkpoint that was saved from a model without its head. Hugging Face leaves the
 * first part of the names out there: {@code h.0.ln_1.weight} for {@code transformer.h.0.ln_1.weight}. The
 * first GPT-2 checkpoints are of this kind.
 */
final class PrefixlessNames {
  private PrefixlessNames() {
  }

  /**
   * Returns the tensors under the names of the whole model; unchanged if they have them already.
   *
   * @param wanted names of the model's parameters, in the order of the forward pass
   */
  static TensorSource restore(TensorSource tensors, Set<String> wanted) {
    String first = wanted.iterator().next();
    String prefix = first.substring(0, first.indexOf('.') + 1);
    boolean headless = tensors.names().stream().noneMatch(name -> name.startsWith(prefix))
        && tensors.names().contains(first.substring(prefix.length()));
    if (!headless) {
      return tensors;
    }
    Map<String, Signature> signatures = new LinkedHashMap<>();
    Map<String, String> stored = new LinkedHashMap<>();
    for (String name : tensors.names()) {
      String whole = wanted.stream().anyMatch(w -> name.equals(w) || name.startsWith(w + "."))
          ? name
          : prefix + name;
      signatures.put(whole, tensors.signature(name));
      stored.put(whole, name);
    }
    return TensorSource.of(signatures, whole -> tensors.tensor(stored.getOrDefault(whole, whole)));
  }
}
