package dev.graft.core.attach;

import dev.graft.error.GraftException;
import dev.graft.error.Nearest;
import dev.graft.spi.ModelOutline;
import dev.graft.spi.NamePattern;
import dev.graft.spi.Site;
import dev.graft.spi.Targets;
import dev.graft.spi.Targets.Selection;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * Finds the sites that targets select, by the rules of Hugging Face PEFT. A new adapter's entries must all hit,
 * which PEFT does not ask for. A stored adapter was trained where its entries hit, and the others get a note,
 * unless they are slips of names that the model has.
 */
final class TargetRules {
  private static final String ANY_LAYER = ".*?\\.[^.]*\\.(\\d+)\\.";

  private final Targets targets;
  private final Selection selection;
  private final ModelOutline outline;
  private final boolean stored;
  private final Predicate<Site> selected;
  private final Predicate<Site> excluded;
  private final List<NamePattern> layers;
  private final List<String> notes = new ArrayList<>();

  /**
   * Prepares to select.
   *
   * @param stored whether the targets are those of a stored adapter
   * @throws GraftException if an expression is faulty
   */
  TargetRules(Targets targets, ModelOutline outline, boolean stored) {
    this.targets = targets;
    this.outline = outline;
    this.stored = stored;
    this.selection = targets.selection() instanceof Selection.Whole whole
        ? whole.modules()
        : targets.selection();
    this.selected = predicate("target_modules", selection);
    this.excluded = targets.exclude().map(selection -> predicate("exclude_modules", selection))
        .orElse(_ -> false);
    this.layers = targets.layersPattern().isEmpty()
        ? List.of(compile("layers_pattern", ANY_LAYER, ANY_LAYER))
        : targets.layersPattern().stream().map(TargetRules::layersPattern).toList();
  }

  /** Returns what the user should know of a stored adapter's targets; call it after the other methods. */
  List<String> notes() {
    return List.copyOf(notes);
  }

  /** Returns the selected sites in the model's order. */
  List<Site> sites() {
    if (targets.selection() instanceof Selection.Whole || selection instanceof Selection.None) {
      return List.of();
    }
    if (selection instanceof Selection.Names names) {
      entriesHit(names, outline.sites().stream().filter(TargetRules::named).map(Site::name).toList());
    }
    List<Site> chosen = outline.sites().stream()
        .filter(site -> !saved(site.name()) && selected.test(site))
        .filter(site -> byFullName(site.name()) || inLayers(site.name()))
        .filter(site -> !excluded.test(site)).toList();
    if (chosen.isEmpty()) {
      throw new GraftException("target_modules: " + show(targets.selection())
          + " leaves no module to adapt after exclude_modules and layers_to_transform. This model has: "
          + String.join(", ", endings()));
    }
    return chosen;
  }

  /**
   * Returns the base parameters that learn as a whole because targets name their modules, in the model's order,
   * each with the wrapper that its key has.
   */
  Map<String, String> wholeParameters() {
    if (!(targets.selection() instanceof Selection.Whole whole)) {
      return Map.of();
    }
    List<String> modules = replaceable().stream().map(TargetRules::module).distinct().toList();
    if (selection instanceof Selection.Names names) {
      entriesHit(names, modules);
    }
    Predicate<String> chosen = modulePredicate("target_modules", selection);
    Predicate<String> left = targets.exclude().map(e -> modulePredicate("exclude_modules", e))
        .orElse(_ -> false);
    Map<String, String> found = new LinkedHashMap<>();
    for (String parameter : replaceable()) {
      String module = module(parameter);
      if (chosen.test(module) && (byFullName(module) || inLayers(module)) && !left.test(module)) {
        found.put(parameter, whole.wrapper());
      }
    }
    if (found.isEmpty()) {
      throw new GraftException("target_modules: " + show(targets.selection())
          + " leaves no module to train after exclude_modules and layers_to_transform. This model has: "
          + String.join(", ", endings(modules)));
    }
    return found;
  }

  private Predicate<String> modulePredicate(String field, Selection modules) {
    return switch (modules) {
      case Selection.Names names -> module -> names.entries().stream().anyMatch(e -> hits(e, module));
      case Selection.Pattern pattern -> compile(field, pattern.regex(), pattern.regex())::matches;
      case Selection.AllLinear _ -> {
        Set<String> linear = outline.sites().stream().filter(predicate(field, modules)).map(Site::name)
            .collect(Collectors.toSet());
        yield linear::contains;
      }
      case Selection.AllAttention _,Selection.ModelInput _,Selection.Whole _,Selection.None _ -> _ -> false;
    };
  }

  /** Returns the base parameters that modules_to_save names, in the model's order. */
  Set<String> savedParameters() {
    Set<String> found = new LinkedHashSet<>();
    for (String entry : targets.modulesToSave()) {
      boolean hit = false;
      for (String parameter : replaceable()) {
        if (isIn(entry, module(parameter))) {
          found.add(parameter);
          hit = true;
        }
      }
      if (!hit) {
        String fault = "modules_to_save: no module with parameters of its own ends with \"" + entry + "\""
            + suggestion(entry) + ".";
        if (!stored || isSlip(entry)) {
          throw new GraftException(fault);
        }
        notes.add(fault + " The adapter saves none there.");
      }
    }
    return found;
  }

  /** Returns what can be given a value of its own: every parameter, and the weight of a tied head. */
  private List<String> replaceable() {
    List<String> names = new ArrayList<>(outline.parameters().keySet());
    names.addAll(outline.tied().keySet());
    return names;
  }

  /** Tells whether a module, or one that it is in, ends with an entry: PEFT asks for no dot before it. */
  private static boolean isIn(String entry, String module) {
    for (int end = module.length(); end > 0; end = module.lastIndexOf('.', end - 1)) {
      if (module.substring(0, end).endsWith(entry)) {
        return true;
      }
    }
    return false;
  }

  /** Returns the module that a parameter belongs to; the model itself, by the empty name, if it has no dot. */
  static String module(String parameter) {
    return parameter.substring(0, Math.max(0, parameter.lastIndexOf('.')));
  }

  private boolean saved(String module) {
    return targets.modulesToSave().stream().anyMatch(entry -> isIn(entry, module));
  }

  private static Predicate<Site> predicate(String field, Selection selection) {
    return switch (selection) {
      case Selection.Names names -> site -> named(site)
          && names.entries().stream().anyMatch(e -> hits(e, site.name()));
      case Selection.Pattern pattern -> {
        NamePattern compiled = compile(field, pattern.regex(), pattern.regex());
        yield site -> named(site) && compiled.matches(site.name());
      }
      case Selection.AllLinear _ -> site -> site instanceof Site.Linear linear && !linear.head();
      case Selection.AllAttention _ -> Site.Attention.class::isInstance;
      case Selection.ModelInput _ -> Site.Input.class::isInstance;
      case Selection.Whole _,Selection.None _ -> _ -> false;
    };
  }

  private static boolean named(Site site) {
    return site instanceof Site.Linear || site instanceof Site.Embedding;
  }

  private static boolean hits(String entry, String module) {
    return module.equals(entry) || module.endsWith("." + entry);
  }

  private void entriesHit(Selection.Names names, List<String> modules) {
    List<String> misses = names.entries().stream()
        .filter(entry -> modules.stream().noneMatch(module -> hits(entry, module)))
        .toList();
    List<String> endings = endings(modules);
    if (misses.isEmpty()) {
      return;
    }
    String fault = "target_modules: no module matches " + misses.stream()
        .map(entry -> "\"" + entry + "\"" + suggestion(entry, endings)).collect(Collectors.joining(", "))
        + ". This model has: " + String.join(", ", endings);
    if (!stored || misses.size() == names.entries().size()
        || misses.stream().anyMatch(entry -> isSlip(entry, endings))) {
      throw new GraftException(fault);
    }
    notes.add("target_modules: this model has no modules named " + String.join(", ", misses)
        + "; the adapter acts on the others that it names.");
  }

  /** Tells whether an entry is a module's name but for underscores and case, and so was meant for it. */
  private boolean isSlip(String entry) {
    return isSlip(entry, endings());
  }

  private static boolean isSlip(String entry, List<String> endings) {
    return endings.stream().anyMatch(ending -> bare(ending).equals(bare(entry)));
  }

  private static String bare(String name) {
    return name.substring(name.lastIndexOf('.') + 1).replace("_", "").toLowerCase(Locale.ROOT);
  }

  private String suggestion(String entry) {
    return suggestion(entry, endings());
  }

  private static String suggestion(String entry, List<String> endings) {
    return Nearest.of(entry, endings).map(near -> " (did you mean \"" + near + "\"?)").orElse("");
  }

  private List<String> endings() {
    return endings(outline.sites().stream().filter(TargetRules::named).map(Site::name).toList());
  }

  private static List<String> endings(List<String> modules) {
    return modules.stream().map(name -> name.substring(name.lastIndexOf('.') + 1)).distinct().toList();
  }

  private static NamePattern compile(String field, String shown, String regex) {
    try {
      return NamePattern.compile(regex);
    } catch (IllegalArgumentException e) {
      throw new GraftException(
          field + ": \"" + shown + "\" is not a regular expression in Python's spelling: "
              + e.getMessage(),
          e);
    }
  }

  /** Tells whether a module is named in full, which PEFT takes whatever its layer is. */
  private boolean byFullName(String name) {
    return selection instanceof Selection.Names names && names.entries().contains(name);
  }

  private boolean inLayers(String name) {
    if (targets.layers().isEmpty()) {
      return true;
    }
    Optional<String> layer = layers.stream().map(pattern -> pattern.firstGroup(name))
        .flatMap(Optional::stream).findFirst();
    return layer.isPresent() && targets.layers().stream().anyMatch(index -> isNumber(layer.get(), index));
  }

  /** Compares without reading the digits as a number, of which there may be any count. */
  private static boolean isNumber(String digits, int number) {
    String significant = digits.replaceFirst("^0+(?=.)", "");
    return significant.equals(Integer.toString(number));
  }

  private static NamePattern layersPattern(String entry) {
    // The index must stay the first group, or it would not be found.
    compile("layers_pattern", entry, entry);
    NamePattern pattern = compile("layers_pattern", entry, "(?:.*?\\.)?" + entry + "\\.(\\d+)\\.");
    if (pattern.groups() != 1) {
      throw new GraftException("layers_pattern: \"" + entry + "\" must not have groups in parentheses");
    }
    return pattern;
  }

  private static String show(Selection selection) {
    return switch (selection) {
      case Selection.Names names -> names.entries().toString();
      case Selection.Pattern pattern -> "\"" + pattern.regex() + "\"";
      case Selection.AllLinear _ -> "all-linear";
      case Selection.AllAttention _ -> "the attention layers";
      case Selection.ModelInput _ -> "the model's input";
      case Selection.Whole whole -> show(whole.modules());
      case Selection.None _ -> "nothing";
    };
  }
}
