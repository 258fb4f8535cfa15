package dev.graft.data.template;

import java.util.Iterator;
import java.util.List;
import java.util.Map;

/** Compares values by Python's {@code ==}: numbers by value, whatever their type. */
final class Equality {
  private Equality() {
  }

  static boolean of(Object a, Object b) {
    if (a instanceof Undefined && b instanceof Undefined) {
      return true;
    }
    if (Numbers.isNumber(a) && Numbers.isNumber(b)) {
      return Numbers.compare(a, b) == 0;
    }
    if (a instanceof Tuple left && b instanceof Tuple right) {
      return ofLists(left.items(), right.items());
    }
    if (a instanceof Range left && b instanceof Range right) {
      return ofLists(left.items(), right.items());
    }
    if (a instanceof List<?> left && b instanceof List<?> right) {
      return ofLists(left, right);
    }
    if (a instanceof Map<?, ?> left && b instanceof Map<?, ?> right) {
      return left.size() == right.size() && left.entrySet().stream().allMatch(entry -> {
        Object other = right.get(entry.getKey());
        Object value = entry.getValue();
        return other != null && value != null && of(value, other);
      });
    }
    return a.equals(b);
  }

  private static boolean ofLists(List<?> left, List<?> right) {
    if (left.size() != right.size()) {
      return false;
    }
    Iterator<?> others = right.iterator();
    for (Object item : left) {
      if (!of(item, others.next())) {
        return false;
      }
    }
    return true;
  }
}
