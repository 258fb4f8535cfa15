package dev.graft.cli;

import dev.graft.core.PluginCatalog;
import dev.graft.core.TokenBatch;
import dev.graft.core.TrainingCheck;
import dev.graft.core.TrainingOptions;
import dev.graft.core.attach.Attachment;
import dev.graft.core.graphs.ModelGraphs;
import dev.graft.core.graphs.RowGroup;
import dev.graft.core.weights.BaseModel;
import dev.graft.graph.DType;
import dev.graft.core.batch.BucketedBatches;
import dev.graft.tools.plan.PlannedCodes;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;
import java.util.stream.LongStream;

/** Foresees the memory of the largest step of a run, and what a quantised base would change in it. */
final class StepCheck {
  /** Enough steps to meet one whose batches are as large as any. */
  private static final long STEPS = 500;

  private StepCheck() {
  }

  static TrainingCheck of(BaseModel base, Attachment attachment, DType computeType, TrainingOptions options,
      BucketedBatches batches, PluginCatalog plugins) {
    int inputTokens = ModelGraphs.inputTokens(RowGroup.all("planned", attachment, 1));
    List<List<TokenBatch>> steps = LongStream.range(0, Math.min(batches.stepsPerEpoch(), STEPS))
        .mapToObj(batches::step).toList();
    TokenBatch largest = steps.stream().flatMap(List::stream)
        .max(Comparator.comparing((TokenBatch batch) -> (long) batch.rows() * batch.length())
            .thenComparing(batch -> batch.labelCount(inputTokens)))
        .orElseThrow();
    int longest = batches.lengths().stream().mapToInt(Integer::intValue).max().orElseThrow();
    int labels = (int) ((long) largest.labelCount(inputTokens) * longest / largest.length());
    int count = steps.stream().mapToInt(List::size).max().orElseThrow();
    return new TrainingCheck(base, attachment, computeType, options, largest.rows(), longest,
        Math.max(1, labels), count,
        quantized(base, plugins));
  }

  /** Offers the base in every installed quantizer's code, if it is dense. */
  private static Map<String, Supplier<BaseModel>> quantized(BaseModel base, PluginCatalog plugins) {
    Map<String, Supplier<BaseModel>> others = new TreeMap<>();
    if (base.quantized().isEmpty()) {
      plugins.quantizersById().forEach((id, found) -> others.put("a base quantised by " + id,
          () -> PlannedCodes.of(base, found.plugin(), Map.of())));
    }
    return others;
  }
}
