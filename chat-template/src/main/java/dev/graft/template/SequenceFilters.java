package dev.graft.template;

import dev.graft.template.CallArguments.Bound;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** The filters of lists, dicts and other sequences. */
final class SequenceFilters {
  static final Set<String> NAMES = Set.of("batch", "dictsort", "first", "groupby", "join", "last", "map",
      "max",
      "min", "reject", "rejectattr", "reverse", "select", "selectattr", "slice", "sort", "sum", "unique");

  private static final Set<String> CHOOSING = Set.of("map", "reject", "rejectattr", "select", "selectattr");

  private final Budget budget;
  private final Predicates predicates;
  private final Filters filters;

  SequenceFilters(Budget budget, Predicates predicates, Filters filters) {
    this.budget = budget;
    this.predicates = predicates;
    this.filters = filters;
  }

  Object apply(String name, Object input, CallArguments arguments) {
    String shown = "the filter '" + name + "'";
    if (CHOOSING.contains(name) && !Truth.of(input)) {
      // As in Jinja, what is false has no items here, be it None, 0 or undefined, and arguments are not looked at.
      return new OneTime(List.of());
    }
    return switch (name) {
      case "map" -> map(input, arguments);
      case "select" -> chosen(input, arguments, true, false);
      case "reject" -> chosen(input, arguments, false, false);
      case "selectattr" -> chosen(input, arguments, true, true);
      case "rejectattr" -> chosen(input, arguments, false, true);
      case "first" -> first(input, arguments.bind(shown));
      case "last" -> last(input, arguments.bind(shown));
      case "join" -> join(input, arguments.bind(shown, "d", "attribute"));
      case "reverse" -> reverse(input, arguments.bind(shown));
      case "sort" -> sort(input, arguments.bind(shown, "reverse", "case_sensitive", "attribute"));
      case "unique" -> unique(input, arguments.bind(shown, "case_sensitive", "attribute"));
      case "min" -> extreme(input, arguments.bind(shown, "case_sensitive", "attribute"),
          new Order(budget).reversed());
      case "max" -> extreme(input, arguments.bind(shown, "case_sensitive", "attribute"), new Order(budget));
      case "sum" -> sum(input, arguments.bind(shown, "attribute", "start"));
      case "dictsort" -> dictsort(input, arguments.bind(shown, "case_sensitive", "by", "reverse"));
      case "groupby" -> groups(input, arguments.bind(shown, "attribute", "default", "case_sensitive"));
      case "batch" -> batches(input, arguments.bind(shown, "linecount", "fill_with"));
      default -> slices(input, arguments.bind(shown, "slices", "fill_with"));
    };
  }

  /** Returns the entries of a dict as pairs, for the filter {@code items}. */
  Object items(Object input, Bound arguments) {
    return switch (input) {
      case Undefined _ -> new OneTime(List.of());
      case Map<?, ?> map -> new OneTime(Attributes.items(map, budget));
      case Object other ->
        throw new TemplateFault(arguments.function() + " needs a dict, not " + TypeName.of(other));
    };
  }

  private Object map(Object input, CallArguments arguments) {
    List<Object> mapped = new ArrayList<>();
    if (arguments.positional().isEmpty()) {
      Bound bound = arguments.bind("the filter 'map'", "attribute", "default");
      for (Object item : Sequences.items(input, budget)) {
        mapped.add(attribute(item, bound.required("attribute"), bound));
      }
    } else {
      String filter = Shown.text(arguments.positional().getFirst(), budget);
      for (Object item : Sequences.items(input, budget)) {
        mapped.add(filters.apply(filter, item, arguments.rest()));
      }
    }
    return new OneTime(mapped);
  }

  private Object attribute(Object item, Object path, Bound bound) {
    budget.step();
    Object value = Attributes.path(item, path, budget);
    return value instanceof Undefined && bound.has("default") ? bound.required("default") : value;
  }

  private Object chosen(Object input, CallArguments arguments, boolean wanted, boolean byAttribute) {
    CallArguments rest = arguments;
    if (byAttribute && arguments.positional().isEmpty()) {
      throw new TemplateFault("selectattr and rejectattr need the name of an attribute");
    }
    Object path = byAttribute ? arguments.positional().getFirst() : None.NONE;
    if (byAttribute) {
      rest = arguments.rest();
    }
    List<Object> chosen = new ArrayList<>();
    for (Object item : Sequences.items(input, budget)) {
      budget.step();
      Object value = byAttribute ? Attributes.path(item, path, budget) : item;
      boolean holds = rest.positional().isEmpty()
          ? Truth.of(value)
          : predicates.test(Shown.text(rest.positional().getFirst(), budget), value, rest.rest());
      if (holds == wanted) {
        chosen.add(item);
      }
    }
    return new OneTime(chosen);
  }

  private Object first(Object input, Bound arguments) {
    if (input instanceof OneTime rest) {
      return rest.hasNext() ? rest.next() : none(arguments);
    }
    List<Object> items = Sequences.items(input, budget);
    return items.isEmpty() ? none(arguments) : items.getFirst();
  }

  private Object last(Object input, Bound arguments) {
    if (input instanceof OneTime) {
      throw new TemplateFault(arguments.function() + " needs a list; put '| list' before it");
    }
    List<Object> items = Sequences.items(input, budget);
    return items.isEmpty() ? none(arguments) : items.getLast();
  }

  private static Undefined none(Bound arguments) {
    return new Undefined(arguments.function() + " was given an empty sequence");
  }

  private Object join(Object input, Bound arguments) {
    String separator = Shown.text(arguments.value("d", ""), budget);
    StringBuilder joined = new StringBuilder();
    boolean first = true;
    for (Object item : Sequences.items(input, budget)) {
      Object value = arguments.has("attribute")
          ? Attributes.path(item, arguments.required("attribute"), budget)
          : item;
      joined.append(budget.made(first ? "" : separator)).append(Shown.text(value, budget));
      first = false;
    }
    return joined.toString();
  }

  private Object reverse(Object input, Bound arguments) {
    if (!Sequences.isIterable(input)) {
      throw new TemplateFault(arguments.function() + " needs a sequence, not " + TypeName.of(input));
    }
    if (input instanceof String text) {
      return Sequences.slice(text, null, null, -1, budget);
    }
    List<Object> items = new ArrayList<>(Sequences.items(input, budget));
    Collections.reverse(items);
    return new OneTime(items);
  }

  /** Returns what items are compared by: an attribute or themselves, texts in small letters by default. */
  private Object key(Object item, Bound arguments) {
    Object value = arguments.value("attribute", None.NONE) instanceof None
        ? item
        : Attributes.path(item, arguments.required("attribute"), budget);
    return value instanceof String text && !arguments.truth("case_sensitive")
        ? budget.made(text.toLowerCase(Locale.ROOT))
        : value;
  }

  private record Keyed(Object key, Object item) {}

  private List<Keyed> keyed(Object input, Bound arguments) {
    List<Keyed> keyed = new ArrayList<>();
    for (Object item : Sequences.items(input, budget)) {
      keyed.add(new Keyed(key(item, arguments), item));
    }
    budget.charge(64L * Long.SIZE - 64L * Long.numberOfLeadingZeros(keyed.size()), keyed.size());
    return keyed;
  }

  private Object sort(Object input, Bound arguments) {
    List<Keyed> keyed = keyed(input, arguments);
    Comparator<Keyed> order = Comparator.comparing(Keyed::key, new Order(budget));
    keyed.sort(arguments.truth("reverse") ? order.reversed() : order);
    return new ArrayList<>(keyed.stream().map(Keyed::item).toList());
  }

  private Object unique(Object input, Bound arguments) {
    Set<Object> seen = new LinkedHashSet<>();
    List<Object> unique = new ArrayList<>();
    for (Keyed one : keyed(input, arguments)) {
      if (seen.add(Attributes.key(one.key()))) {
        unique.add(one.item());
      }
    }
    return new OneTime(unique);
  }

  private Object extreme(Object input, Bound arguments, Comparator<Object> order) {
    List<Keyed> keyed = keyed(input, arguments);
    if (keyed.isEmpty()) {
      return none(arguments);
    }
    Keyed best = keyed.getFirst();
    for (Keyed one : keyed) {
      if (order.compare(one.key(), best.key()) > 0) {
        best = one;
      }
    }
    return best.item();
  }

  private Object sum(Object input, Bound arguments) {
    Object total = arguments.value("start", 0L);
    for (Object item : Sequences.items(input, budget)) {
      Object value = arguments.value("attribute", None.NONE) instanceof None
          ? item
          : Attributes.path(item, arguments.required("attribute"), budget);
      if (!Numbers.isNumber(total) || !Numbers.isNumber(value)) {
        throw new TemplateFault(arguments.function() + " needs numbers, not " + TypeName.of(value));
      }
      total = Numbers.calculate(Expression.Operator.ADD, total, value);
    }
    return total;
  }

  private Object dictsort(Object input, Bound arguments) {
    if (!(input instanceof Map<?, ?> map)) {
      throw new TemplateFault(arguments.function() + " needs a dict, not " + TypeName.of(input));
    }
    int position = switch (arguments.text("by", "key")) {
      case "key" -> 0;
      case "value" -> 1;
      default -> throw new TemplateFault("'by' of " + arguments.function() + " is key or value");
    };
    List<Object> pairs = Attributes.items(map, budget);
    Comparator<Object> order = Comparator.comparing(pair -> {
      Object value = pair instanceof Tuple tuple ? tuple.items().get(position) : pair;
      return value instanceof String text && !arguments.truth("case_sensitive")
          ? text.toLowerCase(Locale.ROOT)
          : value;
    }, new Order(budget));
    pairs.sort(arguments.truth("reverse") ? order.reversed() : order);
    return pairs;
  }

  private Object groups(Object input, Bound arguments) {
    Map<Object, List<Object>> groups = new TreeMap<>(new Order(budget));
    for (Object item : Sequences.items(input, budget)) {
      Object value = attribute(item, arguments.required("attribute"), arguments);
      Object key = value instanceof String text && !arguments.truth("case_sensitive")
          ? text.toLowerCase(Locale.ROOT)
          : value;
      groups.computeIfAbsent(key, _ -> new ArrayList<>(List.of(value))).add(item);
    }
    // The first entry of each list is the group's key as it was first written.
    List<Object> pairs = new ArrayList<>();
    groups.values().forEach(group -> pairs
        .add(new Tuple(List.of(group.getFirst(), new ArrayList<>(group.subList(1, group.size()))))));
    return pairs;
  }

  private Object batches(Object input, Bound arguments) {
    arguments.required("linecount");
    long size = Math.max(1, arguments.integer("linecount", 1));
    List<Object> batches = new ArrayList<>();
    List<Object> batch = new ArrayList<>();
    for (Object item : Sequences.items(input, budget)) {
      if (batch.size() == size) {
        batches.add(batch);
        batch = new ArrayList<>();
      }
      batch.add(item);
    }
    if (!batch.isEmpty()) {
      fill(batch, size, arguments);
      batches.add(batch);
    }
    return new OneTime(batches);
  }

  private void fill(List<Object> batch, long size, Bound arguments) {
    Object filler = arguments.value("fill_with", None.NONE);
    if (!(filler instanceof None)) {
      budget.charge(Budget.ITEM, size);
      while (batch.size() < size) {
        batch.add(filler);
      }
    }
  }

  private Object slices(Object input, Bound arguments) {
    arguments.required("slices");
    long count = Math.max(1, arguments.integer("slices", 1));
    budget.charge(Budget.ITEM, count);
    List<Object> items = Sequences.items(input, budget);
    long size = items.size() / count;
    long longer = items.size() % count;
    List<Object> slices = new ArrayList<>();
    int at = 0;
    for (long i = 0; i < count; i++) {
      int end = (int) (at + size + (i < longer ? 1 : 0));
      List<Object> slice = new ArrayList<>(items.subList(at, end));
      if (i >= longer && longer > 0) {
        fill(slice, size + 1, arguments);
      }
      slices.add(slice);
      at = end;
    }
    return new OneTime(slices);
  }
}
