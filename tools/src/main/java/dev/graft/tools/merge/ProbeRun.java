package dev.graft.tools.merge;

import dev.graft.core.TokenBatch;
import dev.graft.core.attach.AdapterWeights;
import dev.graft.core.graphs.GraphOptions;
import dev.graft.core.graphs.ModelGraphs;
import dev.graft.core.graphs.RowGroup;
import dev.graft.core.weights.BaseModel;
import dev.graft.core.weights.LoadedModel;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.spi.Backend;
import dev.graft.spi.Program;
import dev.graft.spi.Session;
import dev.graft.spi.SessionOptions;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/**
 * Compares the logits of two models on a batch.
 *
 * @param backend computes
 * @param type type of computation
 * @param batch the tokens
 */
record ProbeRun(Backend backend, DType type, TokenBatch batch) {
  private static final String ADAPTER = "probed";

  /** Returns the logits [rows, length, vocabulary] of a model and an adapter. */
  HostTensor logits(BaseModel base, Optional<LoadedModel.LoadedAdapter> adapter) {
    RowGroup group = new RowGroup(ADAPTER, adapter.map(LoadedModel.LoadedAdapter::attachment), 0,
        batch.rows());
    try (Session session = backend.open(SessionOptions.DEFAULT)) {
      base.upload(session, type);
      adapter.ifPresent(a -> AdapterWeights.upload(session, ADAPTER, a.values(), type.accumulator()));
      try (Program program = session.compile(new ModelGraphs(base, GraphOptions.evaluation(type))
          .logits(List.of(group), batch.length(), true))) {
        return Objects.requireNonNull(
            program.run(batch.feeds(batch.positions(0, 0), true)).get(ModelGraphs.LOGITS));
      }
    }
  }

  /** Compares logits at the positions that hold a token. */
  MergeReport.Probe compare(HostTensor apart, HostTensor written) {
    int vocabulary = Math.toIntExact(apart.shape().dim(2));
    double largestChange = 0;
    double sum = 0;
    double largest = 0;
    long positions = 0;
    for (int position = 0; position < batch.mask().length; position++) {
      if (batch.mask()[position] == 0) {
        continue;
      }
      long from = (long) position * vocabulary;
      for (int i = 0; i < vocabulary; i++) {
        largestChange = Math.max(largestChange, Math.abs(apart.at(from + i) - written.at(from + i)));
      }
      double divergence = divergence(apart, written, from, vocabulary);
      sum += divergence;
      largest = Math.max(largest, divergence);
      positions++;
    }
    return new MergeReport.Probe(largestChange, sum / Math.max(1, positions), largest, positions);
  }

  /** Computes KL(p ‖ q) of two softmax distributions over a run of logits. */
  private static double divergence(HostTensor p, HostTensor q, long from, int count) {
    double logP = logSum(p, from, count);
    double logQ = logSum(q, from, count);
    double divergence = 0;
    for (long i = from; i < from + count; i++) {
      double log = p.at(i) - logP;
      divergence += Math.exp(log) * (log - (q.at(i) - logQ));
    }
    return Math.max(0, divergence);
  }

  private static double logSum(HostTensor logits, long from, int count) {
    double largest = Double.NEGATIVE_INFINITY;
    for (long i = from; i < from + count; i++) {
      largest = Math.max(largest, logits.at(i));
    }
    double sum = 0;
    for (long i = from; i < from + count; i++) {
      sum += Math.exp(logits.at(i) - largest);
    }
    return largest + Math.log(sum);
  }
}
