package dev.graft.tools.check;

import dev.graft.core.TokenBatch;
import dev.graft.core.graphs.AdapterFormulas;
import dev.graft.core.graphs.RowGroup;
import dev.graft.core.weights.BaseModel;
import dev.graft.formats.SafetensorsFile;
import dev.graft.graph.HostTensor;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/** Compares the weights that a merge changes, and the logits of the merged model. */
final class MergeCase implements ModelCase.Kind {
  private static final Tolerance MERGED = new Tolerance(2e-6, 1e-5);

  @Override
  public void compare(ModelCase open) {
    try (SafetensorsFile file = open.check().open("batch.safetensors");
        SafetensorsFile expect = open.check().open("expect.safetensors")) {
      Map<String, HostTensor> merged = new TreeMap<>(new AdapterFormulas(open.base(), open.session(),
          open.type(), ModelCase.ADAPTER, open.requiredAdapter()).merge());
      compareWeights(open, merged, expect);
      if (open.check().json().flag("compare_logits", true)) {
        BaseModel model = open.base().withValues(merged);
        model.upload(open.session(), open.type(), merged.keySet());
        TokenBatch batch = ModelCase.batch(file, 0);
        open.compareLogits(model, List.of(RowGroup.base(batch.rows())), batch, expect.tensor("logits"),
            "logits", open.check().tolerance("tolerance", Case.LOGITS));
      }
    }
  }

  private static void compareWeights(ModelCase open, Map<String, HostTensor> merged,
      SafetensorsFile expect) {
    Comparison comparison = open.comparison();
    Tolerance tolerance = open.check().tolerance("tolerance_merged", MERGED);
    Set<String> left = new TreeSet<>(merged.keySet());
    for (String name : expect.names()) {
      if (name.startsWith("merged.")) {
        String parameter = name.substring("merged.".length());
        HostTensor actual = merged.get(parameter);
        if (actual != null) {
          comparison.compare(name, actual, expect.tensor(name), tolerance);
        } else if (open.base().outline().parameters().containsKey(parameter)) {
          comparison.fault(name + " is not changed by the merge");
        }
        // Anything else is a tied copy of a parameter that is compared under its own name.
        left.remove(parameter);
      }
    }
    left.removeIf(name -> isAsBefore(open, name, merged));
    if (!left.isEmpty()) {
      comparison.fault("the merge changes " + left + " too");
    }
  }

  /** Tells whether a weight is one of two that were one tensor, and the one that keeps its values. */
  private static boolean isAsBefore(ModelCase open, String name, Map<String, HostTensor> merged) {
    HostTensor value = Objects.requireNonNull(merged.get(name));
    return value.segment().mismatch(open.base().value(name, value.dtype()).segment()) < 0;
  }
}
