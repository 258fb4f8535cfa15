package dev.graft.template;

import java.util.Comparator;
import java.util.List;

/** Orders values as Python's {@code <} does: numbers, texts by code point, lists item by item. */
record Order(Budget budget) implements Comparator<Object> {

  @Override
  public int compare(Object a, Object b) {
    budget.step();
    ExpressionEvaluator.defined(a);
    ExpressionEvaluator.defined(b);
    if (Numbers.isNumber(a) && Numbers.isNumber(b)) {
      return Numbers.compare(a, b);
    }
    if (a instanceof String left && b instanceof String right) {
      budget.charge(Math.min(left.length(), right.length()) / 8);
      return compareTexts(left, right);
    }
    if (a instanceof List<?> left && b instanceof List<?> right) {
      return compareItems(left, right);
    }
    if (a instanceof Tuple left && b instanceof Tuple right) {
      return compareItems(left.items(), right.items());
    }
    throw new TemplateFault(TypeName.of(a) + " and " + TypeName.of(b) + " have no order");
  }

  private int compareItems(List<?> left, List<?> right) {
    for (int i = 0; i < Math.min(left.size(), right.size()); i++) {
      Object a = left.get(i);
      Object b = right.get(i);
      if (a != null && b != null && !Equality.of(a, b, budget)) {
        return compare(a, b);
      }
    }
    return Integer.compare(left.size(), right.size());
  }

  /** Compares by code point; Java's own order puts the surrogates before the last of the 16-bit range. */
  private static int compareTexts(String left, String right) {
    int common = Math.min(left.length(), right.length());
    for (int i = 0; i < common; i++) {
      char a = left.charAt(i);
      char b = right.charAt(i);
      if (a != b) {
        boolean comparable = Character.isSurrogate(a) == Character.isSurrogate(b);
        return comparable ? Character.compare(a, b) : Character.isSurrogate(a) ? 1 : -1;
      }
    }
    return Integer.compare(left.length(), right.length());
  }
}
