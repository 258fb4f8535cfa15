package org.example.ia3;

import dev.graft.spi.Configuration;
import dev.graft.spi.NamePattern;
import dev.graft.spi.Targets;
import dev.graft.spi.Targets.Selection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
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
    Targets targets = Targets.read(json);
    Optional<Selection> feedforward = Targets.readSelection(json, "feedforward_modules");
    if (feedforward.isEmpty()) {
      json.fault("feedforward_modules", "is missing: name those of target_modules whose operand is scaled,"
          + " such as [\"down_proj\"], or give an empty list");
    }
    if (targets.selection() instanceof Selection.Names all
        && feedforward.orElse(null) instanceof Selection.Names some && !all.entries().containsAll(some.entries())) {
      json.fault("feedforward_modules", "must be among target_modules " + all.entries() + ", not "
          + some.entries());
    }
    return new Ia3Config(targets, feedforward.orElse(new Selection.Names(List.of())),
        json.flag("fan_in_fan_out", false), json.flag("init_ia3_weights", true));
  }

  /** Tells whether a layer's operand is scaled; as in PEFT, an entry is the plain end of a name. */
  boolean feedforward(String module) {
    return switch (feedforward) {
      case Selection.Names names -> names.entries().stream().anyMatch(module::endsWith);
      case Selection.Pattern pattern -> NamePattern.compile(pattern.regex()).matches(module);
      case Selection.AllLinear _ -> true;
      case Selection.AllAttention _, Selection.ModelInput _, Selection.Whole _, Selection.None _ -> false;
    };
  }

  /** Returns the method's fields of {@code adapter_config.json}. */
  Map<String, @Nullable Object> write() {
    Map<String, @Nullable Object> fields = targets.writeModules();
    fields.put("auto_mapping", null);
    fields.put("fan_in_fan_out", fanInFanOut);
    fields.put("feedforward_modules", feedforward.written());
    fields.put("init_ia3_weights", startsAtOne);
    fields.put("revision", null);
    return fields;
  }
}
