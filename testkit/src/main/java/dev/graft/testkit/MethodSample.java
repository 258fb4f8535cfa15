package dev.graft.testkit;

import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;
import org.apiguardian.api.API;

/**
 * Holds a configuration that a method is tested with, and what the method claims of it. A new sample claims
 * that a fresh adapter leaves the model as it is and that the adapter can be merged.
 *
 * @param configuration fields of {@code adapter_config.json}; {@code peft_type} and the method's discriminators are
 * added
 * @param identityAtStart whether a fresh adapter leaves the model's results as they are
 * @param mergeable whether the adapter can become a change of weights
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record MethodSample(Map<String, Object> configuration, boolean identityAtStart, boolean mergeable) {
  /** Copies and sorts the fields. */
  public MethodSample {
    configuration = Collections.unmodifiableMap(new TreeMap<>(configuration));
  }

  /** Creates a sample of which both claims hold. */
  public static MethodSample of(Map<String, ?> configuration) {
    return new MethodSample(new TreeMap<>(configuration), true, true);
  }

  /** Returns this sample for a configuration whose fresh adapter changes the model. */
  public MethodSample changingAtStart() {
    return new MethodSample(configuration, false, mergeable);
  }

  /** Returns this sample for a configuration that cannot be merged. */
  public MethodSample unmergeable() {
    return new MethodSample(configuration, identityAtStart, false);
  }
}
