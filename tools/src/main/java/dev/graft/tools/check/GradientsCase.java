package dev.graft.tools.check;

import dev.graft.compiler.autodiff.Differentiated;
import dev.graft.compiler.autodiff.Gradients;
import dev.graft.compiler.pass.Passes;
import dev.graft.core.TokenBatch;
import dev.graft.core.graphs.GraphOptions;
import dev.graft.core.graphs.ModelGraphs;
import dev.graft.core.graphs.RowGroup;
import dev.graft.formats.SafetensorsFile;
import dev.graft.graph.Graph;
import dev.graft.graph.Tensor;
import dev.graft.spi.Program;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/** Compares the gradient of every tensor that learns, besides all that {@link ForwardCase} compares. */
final class GradientsCase implements ModelCase.Kind {
  private static final Tolerance GRADIENTS = new Tolerance(1e-5, 1e-3);

  @Override
  public void compare(ModelCase open) {
    new ForwardCase().compare(open);
    try (SafetensorsFile file = open.check().open("batch.safetensors");
        SafetensorsFile expect = open.check().open("expect.safetensors")) {
      TokenBatch batch = ModelCase.batch(file, 0);
      RowGroup group = RowGroup.all(ModelCase.ADAPTER, open.requiredAdapter(), batch.rows());
      ModelGraphs.LossGraph built = new ModelGraphs(open.base(), GraphOptions.evaluation(open.type()))
          .loss(group, ModelCase.layout(batch, group));
      Map<String, Tensor> outputs = gradients(built);
      if (!sameNames(open.comparison(), expect, outputs.keySet())) {
        return;
      }
      Graph graph = Passes.standard().apply(Graph.of("gradients", outputs, List.of()));
      try (Program program = open.session().compile(graph)) {
        Tolerance tolerance = open.check().tolerance("tolerance_gradients", GRADIENTS);
        program.run(open.lossFeeds(batch, group)).forEach(
            (name, value) -> open.comparison().compare(name, value, expect.tensor(name), tolerance));
      }
    }
  }

  private static Map<String, Tensor> gradients(ModelGraphs.LossGraph built) {
    List<String> keys = List.copyOf(built.trainable().keySet());
    Differentiated both = Gradients.of(built.loss(), List.copyOf(built.trainable().values()));
    Map<String, Tensor> outputs = new LinkedHashMap<>();
    for (int i = 0; i < keys.size(); i++) {
      Tensor parameter = Objects.requireNonNull(built.trainable().get(keys.get(i)));
      outputs.put("grad." + keys.get(i), both.gradients().get(i)
          .orElseGet(() -> Tensor.fill(0, parameter.dtype(), parameter.shape())));
    }
    return outputs;
  }

  private static boolean sameNames(Comparison comparison, SafetensorsFile expect, Set<String> names) {
    Set<String> missing = expect.names().stream().filter(n -> n.startsWith("grad."))
        .collect(Collectors.toCollection(TreeSet::new));
    Set<String> extra = new TreeSet<>(names);
    extra.removeAll(missing);
    missing.removeAll(names);
    if (missing.isEmpty() && extra.isEmpty()) {
      return true;
    }
    comparison.fault("other tensors learn: missing " + missing + ", unexpected " + extra);
    return false;
  }
}
