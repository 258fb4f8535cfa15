package dev.graft.template;

import java.util.Iterator;
import java.util.List;

/**
 * Holds what {@code map}, {@code select} and other lazy filters give: it is true, has no length, and can be
 * gone through once.
 */
final class OneTime implements Iterator<Object> {
  private final Iterator<Object> items;

  OneTime(List<Object> items) {
    this.items = items.iterator();
  }

  @Override
  public boolean hasNext() {
    return items.hasNext();
  }

  @Override
  public Object next() {
    return items.next();
  }
}
