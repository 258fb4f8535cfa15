package dev.graft.tools.check;

import dev.graft.compiler.pass.Passes;
import dev.graft.core.TokenBatch;
import dev.graft.core.graphs.GraphOptions;
import dev.graft.core.graphs.ModelGraphs;
import dev.graft.core.graphs.RowGroup;
import dev.graft.formats.SafetensorsFile;
import dev.graft.graph.Graph;
import dev.graft.spi.Program;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** Compares logits and the loss. */
final class ForwardCase implements ModelCase.Kind {
  @Override
  public void compare(ModelCase open) {
    try (SafetensorsFile file = open.check().open("batch.safetensors");
        SafetensorsFile expect = open.check().open("expect.safetensors")) {
      TokenBatch batch = ModelCase.batch(file, 0);
      RowGroup group = open.allRows(batch.rows());
      open.compareLogits(List.of(group), batch, expect.tensor("logits"));
      if (expect.names().contains("loss")) {
        open.comparison().value("loss", loss(open, group, batch), expect.tensor("loss").item(),
            open.check().tolerance("tolerance", Case.LOGITS));
      }
    }
  }

  private static double loss(ModelCase open, RowGroup group, TokenBatch batch) {
    ModelGraphs.LossGraph built = new ModelGraphs(open.base(), GraphOptions.evaluation(open.type()))
        .loss(group, ModelCase.layout(batch, group));
    Graph graph = Passes.standard()
        .apply(Graph.of("loss", Map.of(ModelGraphs.LOSS, built.loss()), List.of()));
    try (Program program = open.session().compile(graph)) {
      return Objects.requireNonNull(program.run(open.lossFeeds(batch, group)).get(ModelGraphs.LOSS))
          .item();
    }
  }
}
