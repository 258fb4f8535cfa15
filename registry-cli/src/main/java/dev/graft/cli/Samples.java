package dev.graft.cli;

import dev.graft.core.TokenBatch;
import dev.graft.data.batch.BucketedBatches;
import dev.graft.data.batch.EvaluationBatches;
import dev.graft.data.dataset.DataFormat;
import dev.graft.data.dataset.DataSet;
import dev.graft.data.dataset.EncodedSample;
import dev.graft.data.dataset.Sample;
import dev.graft.data.dataset.SampleEncoder;
import dev.graft.error.GraftException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Encoded samples of some files.
 *
 * @param encoded those that hold something to learn
 * @param idle how many do not: their prompts fill the length
 */
record Samples(List<EncodedSample> encoded, int idle) {
  static final int EVALUATION_BATCH = 32;

  static Samples read(List<Path> files, DataFormat format, SampleEncoder encoder) {
    List<Sample> samples = new ArrayList<>();
    files.forEach(file -> samples.addAll(DataSet.read(file, format)));
    return of(samples, encoder, files.toString());
  }

  static Samples of(List<Sample> samples, SampleEncoder encoder, String origin) {
    List<EncodedSample> encoded = encoder.encodeAll(samples).stream()
        .filter(sample -> Arrays.stream(sample.labels()).anyMatch(label -> label != TokenBatch.IGNORED))
        .toList();
    if (encoded.isEmpty()) {
      throw new GraftException("There is nothing to learn in " + origin + ": "
          + (samples.isEmpty()
              ? "it holds no sample"
              : "within the maximum length every sample is prompt alone, so raise --max-length"));
    }
    return new Samples(encoded, samples.size() - encoded.size());
  }

  /** Returns steps of samples, in an order of their own for each epoch. */
  BucketedBatches shuffled(int batch, int accumulation, long paddingId, long seed) {
    return BucketedBatches.of(encoded, batch, accumulation, paddingId, seed);
  }

  /** Returns every sample once, in large batches. */
  List<TokenBatch> forEvaluation(long paddingId) {
    return EvaluationBatches.of(encoded, Math.min(EVALUATION_BATCH, encoded.size()), paddingId);
  }
}
