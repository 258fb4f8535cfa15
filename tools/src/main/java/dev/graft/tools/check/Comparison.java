package dev.graft.tools.check;

import dev.graft.error.Listing;
import dev.graft.graph.HostTensor;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.LongPredicate;

/** Collects how far results are from what is expected. */
final class Comparison {
  private final List<String> faults = new ArrayList<>();
  private final Set<String> notes = new LinkedHashSet<>();
  private double worst;
  private String worstAt = "";

  void compare(String what, HostTensor actual, HostTensor expected, Tolerance tolerance) {
    compare(what, actual, expected, tolerance, _ -> true);
  }

  /** Compares the elements whose row-major index is wanted. */
  void compare(String what, HostTensor actual, HostTensor expected, Tolerance tolerance,
      LongPredicate wanted) {
    if (!actual.shape().equals(expected.shape())) {
      fault(what + " has shape " + actual.shape() + ", expected " + expected.shape());
      return;
    }
    for (long i = 0; i < expected.shape().size(); i++) {
      if (wanted.test(i)) {
        value(what, actual.at(i), expected.at(i), tolerance);
      }
    }
  }

  void value(String what, double actual, double expected, Tolerance tolerance) {
    double share = tolerance.share(actual, expected);
    if (share > worst) {
      worst = share;
      worstAt = what;
    }
    if (share > 1 && !faults.contains(what)) {
      faults.add(what);
    }
  }

  void fault(String text) {
    faults.add(text);
    worst = Double.POSITIVE_INFINITY;
  }

  void note(Collection<String> texts) {
    notes.addAll(texts);
  }

  CheckResult result(String name, String backend) {
    String worstPlace = worstAt.isEmpty() ? "" : "worst at " + worstAt;
    String detail = faults.isEmpty() ? worstPlace : Listing.ofFirst(3, faults);
    return new CheckResult(name, backend, faults.isEmpty(), worst, detail, List.copyOf(notes));
  }
}
