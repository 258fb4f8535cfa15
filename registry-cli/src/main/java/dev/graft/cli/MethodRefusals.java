package dev.graft.cli;

import dev.graft.core.PluginCatalog;
import dev.graft.core.TrainingOptions;
import dev.graft.core.attach.Attachment;
import dev.graft.core.attach.MethodSettings;
import dev.graft.core.train.StepGraph;
import dev.graft.core.weights.BaseModel;
import dev.graft.error.GraftException;
import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import dev.graft.spi.Backend;
import dev.graft.spi.Refusal;
import dev.graft.tools.plan.ModelShape;
import dev.graft.tools.plan.SyntheticWeights;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** Tells which methods a backend trains in which types, from the graph of a step of each over a small model. */
final class MethodRefusals {
  private static final int WIDTH = 64;
  private static final int LENGTH = 8;
  private static final ModelShape SMALL = new ModelShape(1, WIDTH, WIDTH, 2, 2, WIDTH, WIDTH);
  private static final List<DType> TYPES = List.of(DType.F32, DType.BF16, DType.F16, DType.F64);

  private MethodRefusals() {
  }

  /** Returns a line for each type: the methods that run, and for the others what is refused and why. */
  static List<String> lines(Backend backend, PluginCatalog plugins) {
    return TYPES.stream().map(type -> {
      BaseModel base = SyntheticWeights.dense(SMALL, type, plugins);
      List<String> able = new ArrayList<>();
      List<String> unable = new ArrayList<>();
      for (String method : plugins.methods().keySet()) {
        String reason = reason(backend, plugins, base, method, type);
        if (reason.isEmpty()) {
          able.add(method);
        } else {
          unable.add(method + " (" + reason + ")");
        }
      }
      return "in " + type.name().toLowerCase(Locale.ROOT) + (able.isEmpty()
          ? " nothing"
          : " trains " + String.join(", ", able))
          + (unable.isEmpty() ? "" : "; not " + String.join("; not ", unable));
    }).toList();
  }

  private static String reason(Backend backend, PluginCatalog plugins, BaseModel base, String method,
      DType type) {
    try {
      Attachment attachment = MethodSettings.attach(plugins, method, Map.of(), base.outline());
      Graph step = StepGraph.of(base, attachment, type, TrainingOptions.of(1, 1e-4), 1, LENGTH, LENGTH - 1,
          true, backend.preferences());
      return backend.refusals(step).stream().map(Refusal::toString).collect(Collectors.joining("; "));
    } catch (GraftException e) {
      return String.valueOf(e.getMessage());
    }
  }
}
