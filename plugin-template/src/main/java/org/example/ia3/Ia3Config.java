package org.example.ia3;

import dev.graft.spi.Configuration;
import dev.graft.spi.Targets;
import dev.graft.spi.Targets.Selection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;

/**
 * Holds the settings of IA3, with the names that Hugging Face PEFT gives them in {@code adapter_config.json}.
 *
 * @param targets where the method acts
 * @param feedforward which of the adapted layers have their operand scaled: endings of names, or a regular
 * expression
 * @param fanInFanOut the file's own field; the orientation is taken from the model
 * @param startsAtOne whether a fresh vector is 1 everywhere
 */
public record Ia3Config(Targets targets, Selection feedforward, boolean fanInFanOut, boolean startsAtOne) {
  /** Reads the settings; adds every fault to the configuration. */
  static Ia3Config read(Configuration json) {
    Optional<Selection> targets = selection(json, "target_modules");
    if (targets.isEmpty()) {
      json.fault("target_modules", "is missing: name modules, such as [\"k_proj\", \"v_proj\", \"down_proj\"]");
    }
    Optional<Selection> feedforward = selection(json, "feedforward_modules");
    if (feedforward.isEmpty()) {
      json.fault("feedforward_modules", "is missing: name those of target_modules whose operand is scaled,"
          + " such as [\"down_proj\"], or give an empty list");
    }
    if (targets.orElse(null) instanceof Selection.Names all
        && feedforward.orElse(null) instanceof Selection.Names some && !all.entries().containsAll(some.entries())) {
      json.fault("feedforward_modules", "must be among target_modules " + all.entries() + ", not "
          + some.entries());
    }
    Targets where = new Targets(targets.orElse(new Selection.AllLinear()), selection(json, "exclude_modules"),
        List.of(), List.of(), json.texts("modules_to_save"), Targets.Bias.NONE);
    return new Ia3Config(where, feedforward.orElse(new Selection.Names(List.of())),
        json.flag("fan_in_fan_out", false), json.flag("init_ia3_weights", true));
  }

  private static Optional<Selection> selection(Configuration json, String key) {
    return json.value(key).map(value -> {
      if (!(value instanceof String text)) {
        return new Selection.Names(json.texts(key));
      }
      if (text.equals("all-linear") && key.equals("target_modules")) {
        return new Selection.AllLinear();
      }
      try {
        Pattern.compile(text);
      } catch (PatternSyntaxException e) {
        json.fault(key, "is \"" + text + "\", which is not a regular expression: " + e.getDescription());
      }
      return new Selection.Pattern(text);
    });
  }

  /** Tells whether a layer's operand is scaled; as in PEFT, an entry is the plain end of a name. */
  boolean feedforward(String module) {
    return switch (feedforward) {
      case Selection.Names names -> names.entries().stream().anyMatch(module::endsWith);
      case Selection.Pattern pattern -> Pattern.matches(pattern.regex(), module);
      case Selection.AllLinear _, Selection.AllAttention _, Selection.ModelInput _ -> false;
    };
  }

  /** Returns the method's fields of {@code adapter_config.json}. */
  Map<String, Object> write() {
    Map<String, @Nullable Object> fields = new LinkedHashMap<>();
    fields.put("auto_mapping", null);
    fields.put("exclude_modules", targets.exclude().map(Ia3Config::show).orElse(null));
    fields.put("fan_in_fan_out", fanInFanOut);
    fields.put("feedforward_modules", show(feedforward));
    fields.put("init_ia3_weights", startsAtOne);
    fields.put("modules_to_save", targets.modulesToSave().isEmpty() ? null : targets.modulesToSave());
    fields.put("revision", null);
    fields.put("target_modules", show(targets.selection()));
    return nullsAllowed(fields);
  }

  /** Passes on a map whose absent values are JSON's null, which the interface's type cannot say. */
  @SuppressWarnings("unchecked")
  private static Map<String, Object> nullsAllowed(Map<String, @Nullable Object> fields) {
    return (Map<String, Object>) (Map<?, ?>) fields;
  }

  private static Object show(Selection selection) {
    return switch (selection) {
      case Selection.Names names -> names.entries();
      case Selection.Pattern pattern -> pattern.regex();
      case Selection.AllLinear _, Selection.AllAttention _, Selection.ModelInput _ -> "all-linear";
    };
  }
}
