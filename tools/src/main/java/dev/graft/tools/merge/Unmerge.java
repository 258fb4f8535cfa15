package dev.graft.tools.merge;

import dev.graft.core.graphs.AdapterFormulas;
import dev.graft.core.weights.BaseModel;
import dev.graft.error.GraftException;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.spi.Session;
import dev.graft.spi.Site;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * Takes an adapter's change out of merged weights W'. Only of a merge that adds a change D to whatever stands
 * there is D known without the base: it is what the merge makes of zeros. That a merge is of this kind is
 * shown at two more places: W' − D must merge to W', and 2 W' to 2 W' + D. DoRA, which scales each row to a
 * norm of its own, and methods that multiply fail at the second.
 *
 * @param merged the model with the adapter in it
 * @param session holds the adapter's tensors and the merged weights of the site at hand
 * @param formulas of the adapter
 * @param adapter named in errors
 */
record Unmerge(BaseModel merged, Session session, AdapterFormulas formulas, Path adapter) {
  /** Far beyond the rounding of a few sums in F32, as a share of the largest element. */
  private static final double TOLERANCE = 1e-5;

  /**
   * Returns what stood in a site's weights before the merge, by parameter.
   *
   * @param read the parameters that the merge of the site reads
   */
  Map<String, HostTensor> without(Site site, Set<String> read) {
    Map<String, HostTensor> all = new LinkedHashMap<>();
    read.forEach(name -> all.put(name, merged.value(name, DType.F32)));
    Map<String, HostTensor> changes = mergedInto(site, sums(0, all, 0, all));
    all.forEach(session::upload);
    Map<String, HostTensor> weights = new LinkedHashMap<>(all);
    weights.keySet().retainAll(changes.keySet());
    Map<String, HostTensor> before = sums(1, weights, -1, changes);
    require(mergedInto(site, before), weights);
    require(mergedInto(site, sums(2, weights, 0, weights)), sums(2, weights, 1, changes));
    return before;
  }

  private Map<String, HostTensor> mergedInto(Site site, Map<String, HostTensor> weights) {
    weights.forEach(session::upload);
    return formulas.merge(site, false);
  }

  /** Returns a x + b y of each parameter. */
  private static Map<String, HostTensor> sums(double a, Map<String, HostTensor> x, double b,
      Map<String, HostTensor> y) {
    Map<String, HostTensor> sums = new LinkedHashMap<>();
    x.forEach((name, left) -> {
      float[] sum = left.toFloats();
      float[] right = Objects.requireNonNull(y.get(name)).toFloats();
      for (int i = 0; i < sum.length; i++) {
        sum[i] = (float) (a * sum[i] + b * right[i]);
      }
      sums.put(name, HostTensor.ofFloats(left.shape(), sum));
    });
    return sums;
  }

  private void require(Map<String, HostTensor> found, Map<String, HostTensor> expected) {
    expected.forEach((name, value) -> {
      float[] wanted = value.toFloats();
      float[] own = Objects.requireNonNull(found.get(name)).toFloats();
      double largest = 0;
      double difference = 0;
      for (int i = 0; i < wanted.length; i++) {
        largest = Math.max(largest, Math.abs(wanted[i]));
        difference = Math.max(difference, Math.abs((double) wanted[i] - own[i]));
      }
      if (!(difference <= TOLERANCE * largest)) {
        throw refused(adapter, "its method does not just add to " + name + ", and what it did depends on the"
            + " base's values");
      }
    });
  }

  static GraftException refused(Path adapter, String reason) {
    return new GraftException("The adapter " + adapter + " cannot be taken out of the merged model: " + reason
        + ". What stood there before is lost; use the base model itself");
  }
}
