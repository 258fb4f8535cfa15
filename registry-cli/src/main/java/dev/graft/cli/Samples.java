package dev.graft.cli;

import dev.graft.core.TokenBatch;
import dev.graft.core.batch.BucketedBatches;
import dev.graft.core.batch.EvaluationBatches;
import dev.graft.data.dataset.DataFormat;
import dev.graft.data.dataset.DataSet;
import dev.graft.data.dataset.EncodedSample;
import dev.graft.data.dataset.EncodingNotes;
import dev.graft.data.dataset.Sample;
import dev.graft.data.dataset.SampleEncoder;
import dev.graft.error.GraftException;
import dev.graft.formats.ContentFingerprint;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/**
 * Encoded samples of some files.
 *
 * @param encoded those that hold something to learn
 * @param idle how many do not: their prompts fill the length, or they are marked as not to be learned
 * @param notes what of the samples is not learned as it stands in the files
 */
record Samples(List<EncodedSample> encoded, int idle, List<String> notes) {
  static final int EVALUATION_BATCH = 32;

  static Samples read(List<Path> files, DataFormat format, SampleEncoder encoder) {
    List<EncodedSample> encoded = new ArrayList<>();
    List<String> notes = new ArrayList<>();
    for (Path file : files) {
      List<EncodedSample> rows = encoder.encodeAll(DataSet.read(file, format));
      encoded.addAll(rows);
      notes.addAll(EncodingNotes.sentences(file.toString(), rows));
    }
    return learned(encoded, notes, files.toString());
  }

  static Samples of(List<Sample> samples, SampleEncoder encoder, String origin) {
    List<EncodedSample> encoded = encoder.encodeAll(samples);
    return learned(encoded, EncodingNotes.sentences(origin, encoded), origin);
  }

  private static Samples learned(List<EncodedSample> samples, List<String> notes, String origin) {
    List<EncodedSample> encoded = samples.stream()
        .filter(sample -> Arrays.stream(sample.labels()).anyMatch(label -> label != TokenBatch.IGNORED))
        .toList();
    if (encoded.isEmpty()) {
      throw new GraftException("There is nothing to learn in " + origin + ": "
          + (samples.isEmpty()
              ? "it holds no sample"
              : "within the maximum length every sample is prompt alone, so raise --max-length, or everything"
                  + " is marked as not to be learned"));
    }
    return new Samples(encoded, samples.size() - encoded.size(), notes);
  }

  /** Returns steps of samples, in an order of their own for each epoch. */
  BucketedBatches shuffled(int batch, int accumulation, long paddingId, long seed) {
    return BucketedBatches.of(encoded, batch, accumulation, paddingId, seed);
  }

  /** Returns a fingerprint of what is learned from what, in this order. */
  String fingerprint() {
    return ContentFingerprint.of(encoded.stream().flatMap(sample -> Stream.of(sample.ids(), sample.labels()))
        .toList());
  }

  /** Returns every sample once, in large batches. */
  List<TokenBatch> forEvaluation(long paddingId) {
    return EvaluationBatches.of(encoded, Math.min(EVALUATION_BATCH, encoded.size()), paddingId);
  }
}
