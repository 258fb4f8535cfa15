package dev.graft.testkit;

import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;
import org.apiguardian.api.API;

/**
 * Holds options that a quantizer is tested with, and what it claims of them.
 *
 * @param options as users give them, such as a block size
 * @param errorBound largest error of a decoded value, relative to the largest magnitude of the weight
 * @param repeatBound largest change, in the same measure, when a decoded weight is encoded and decoded again
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record QuantizerSample(Map<String, Object> options, double errorBound, double repeatBound) {
  /** Copies and sorts the options. */
  public QuantizerSample {
    options = Collections.unmodifiableMap(new TreeMap<>(options));
  }

  /** Creates a sample whose decoded weights are encoded and decoded to the same bits again. */
  public static QuantizerSample of(Map<String, ?> options, double errorBound) {
    return new QuantizerSample(new TreeMap<>(options), errorBound, 0);
  }

  /** Returns this sample for options that change a decoded weight a little when it is encoded again. */
  public QuantizerSample repeatingWithin(double bound) {
    return new QuantizerSample(options, errorBound, bound);
  }
}
