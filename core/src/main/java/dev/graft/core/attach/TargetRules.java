package dev.graft.core.attach;

import dev.graft.error.GraftException;
import dev.graft.error.Nearest;
import dev.graft.spi.ModelOutline;
import dev.graft.spi.Site;
import dev.graft.spi.Targets;
import dev.graft.spi.Targets.Selection;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * Finds the sites that targets select, by the rules of Hugging Face PEFT, but strictly: every entry must hit.
 */
final class TargetRules {
  private static final Pattern ANY_LAYER = Pattern.compile(".*?\\.[^.]*\\.(\\d+)\\.");

  private final Targets targets;
  private final ModelOutline outline;

  TargetRules(Targets targets, ModelOutline outline) {
    this.targets = targets;
    this.outline = outline;
  }

  /** Returns the selected sites in the model's order. */
  List<Site> sites() {
    switch (targets.selection()) {
      case Selection.Names names -> everyEntryHits(names);
      case Selection.Pattern pattern -> compile(pattern);
      case Selection.AllLinear _,Selection.AllAttention _,Selection.ModelInput _ -> {
      }
    }
    List<Site> chosen = outline.sites().stream()
        .filter(site -> !saved(site.name()) && selects(targets.selection(), site))
        .filter(site -> byFullName(site.name()) || inLayers(site.name()))
        .filter(site -> targets.exclude().isEmpty() || !selects(targets.exclude().get(), site)).toList();
    if (chosen.isEmpty()) {
      throw new GraftException("target_modules: " + show(targets.selection())
          + " leaves no module to adapt after exclude_modules and layers_to_transform. This model has: "
          + String.join(", ", endings()));
    }
    return chosen;
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
        throw new GraftException("modules_to_save: no module with parameters of its own ends with \"" + entry
            + "\"" + suggestion(entry) + ".");
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

  static String module(String parameter) {
    return parameter.substring(0, parameter.lastIndexOf('.'));
  }

  private boolean saved(String module) {
    return targets.modulesToSave().stream().anyMatch(entry -> isIn(entry, module));
  }

  private static boolean selects(Selection selection, Site site) {
    return switch (selection) {
      case Selection.Names names -> named(site) && names.entries().stream().anyMatch(e -> hits(e, site));
      case Selection.Pattern pattern -> named(site) && compile(pattern).matcher(site.name()).matches();
      case Selection.AllLinear _ -> site instanceof Site.Linear linear && !linear.head();
      case Selection.AllAttention _ -> site instanceof Site.Attention;
      case Selection.ModelInput _ -> site instanceof Site.Input;
    };
  }

  private static boolean named(Site site) {
    return site instanceof Site.Linear || site instanceof Site.Embedding;
  }

  private static boolean hits(String entry, Site site) {
    return site.name().equals(entry) || site.name().endsWith("." + entry);
  }

  private void everyEntryHits(Selection.Names names) {
    List<String> misses = names.entries().stream()
        .filter(entry -> outline.sites().stream()
            .noneMatch(site -> named(site) && hits(entry, site)))
        .map(entry -> "\"" + entry + "\"" + suggestion(entry)).toList();
    if (!misses.isEmpty()) {
      throw new GraftException("target_modules: no module matches " + String.join(", ", misses)
          + ". This model has: " + String.join(", ", endings()));
    }
  }

  private String suggestion(String entry) {
    return Nearest.of(entry, endings()).map(near -> " (did you mean \"" + near + "\"?)").orElse("");
  }

  private List<String> endings() {
    return outline.sites().stream().filter(TargetRules::named)
        .map(site -> site.name().substring(site.name().lastIndexOf('.') + 1)).distinct().toList();
  }

  private static Pattern compile(Selection.Pattern pattern) {
    try {
      return Pattern.compile(pattern.regex());
    } catch (PatternSyntaxException e) {
      throw new GraftException("target_modules: \"" + pattern.regex() + "\" is not a regular expression: "
          + e.getDescription() + " at index " + e.getIndex(), e);
    }
  }

  /** Tells whether a module is named in full, which PEFT takes whatever its layer is. */
  private boolean byFullName(String name) {
    return targets.selection() instanceof Selection.Names names && names.entries().contains(name);
  }

  private boolean inLayers(String name) {
    if (targets.layers().isEmpty()) {
      return true;
    }
    List<Pattern> patterns = new ArrayList<>();
    targets.layersPattern().forEach(p -> patterns.add(layersPattern(p)));
    if (patterns.isEmpty()) {
      patterns.add(ANY_LAYER);
    }
    Optional<Integer> layer = patterns.stream().map(p -> p.matcher(name)).filter(Matcher::lookingAt)
        .map(m -> Integer.valueOf(m.group(1))).findFirst();
    return layer.isPresent() && targets.layers().contains(layer.get());
  }

  private static Pattern layersPattern(String entry) {
    try {
      Pattern pattern = Pattern.compile("(?:^|.*?\\.)" + entry + "\\.(\\d+)\\.");
      // The index must stay the first group, or it would not be found.
      if (pattern.matcher("").groupCount() == 1) {
        return pattern;
      }
    } catch (PatternSyntaxException e) {
      throw new GraftException("layers_pattern: \"" + entry + "\" is not a regular expression: "
          + e.getDescription() + " at index " + e.getIndex(), e);
    }
    throw new GraftException("layers_pattern: \"" + entry + "\" must not have groups in parentheses");
  }

  private static String show(Selection selection) {
    return switch (selection) {
      case Selection.Names names -> names.entries().toString();
      case Selection.Pattern pattern -> "\"" + pattern.regex() + "\"";
      case Selection.AllLinear _ -> "all-linear";
      case Selection.AllAttention _ -> "the attention layers";
      case Selection.ModelInput _ -> "the model's input";
    };
  }
}
