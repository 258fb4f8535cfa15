package dev.graft.template;

import java.util.Iterator;
import java.util.List;
import java.util.Map;

/** Compares values by Python's {@code ==}: numbers by value, whatever their type. */
final class Equality {
  private Equality() {
  }

  static boolean of(Object a, Object b, Budget budget) {
    // A value may hold another many times over, so that comparing takes far longer than making it.
    budget.step();
    if (a instanceof Undefined && b instanceof Undefined) {
      return true;
    }
    if (Numbers.isNumber(a) && Numbers.isNumber(b)) {
      return Numbers.compare(a, b) == 0;
    }
    if (a instanceof String left && b instanceof String right) {
      budget.charge(Math.min(left.length(), right.length()) / 8);
      return left.equals(right);
    }
    if (a instanceof Tuple left && b instanceof Tuple right) {
      return ofLists(left.items(), right.items(), budget);
    }
    if (a instanceof Range left && b instanceof Range right) {
      return ofLists(left.items(), right.items(), budget);
    }
    if (a instanceof List<?> left && b instanceof List<?> right) {
      return ofLists(left, right, budget);
    }
    if (a instanceof Map<?, ?> left && b instanceof Map<?, ?> right) {
      return ofMaps(left, right, budget);
    }
    return a == b || a instanceof None && b instanceof None;
  }

  private static boolean ofLists(List<?> left, List<?> right, Budget budget) {
    if (left.size() != right.size()) {
      return false;
    }
    Iterator<?> others = right.iterator();
    for (Object item : left) {
      Object other = others.next();
      if (item == null || other == null || !of(item, other, budget)) {
        return false;
      }
    }
    return true;
  }

  private static boolean ofMaps(Map<?, ?> left, Map<?, ?> right, Budget budget) {
    return left.size() == right.size() && left.entrySet().stream().allMatch(entry -> {
      Object other = right.get(entry.getKey());
      Object value = entry.getValue();
      return other != null && value != null && of(value, other, budget);
    });
  }
}
