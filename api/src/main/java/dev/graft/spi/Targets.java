package dev.graft.spi;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apiguardian.api.API;
import org.jspecify.annotations.Nullable;

/**
 * States where a method acts and which base parameters learn with it, by the rules of Hugging Face PEFT.
 *
 * @param selection which sites
 * @param exclude sites to leave out although selected
 * @param layers indices of the layers to act in; empty for all
 * @param layersPattern names of the module lists that hold the layers, such as {@code layers} or {@code h};
 * empty for any
 * @param modulesToSave endings of module names whose base parameters learn as a whole
 * @param bias which base biases learn
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record Targets(Selection selection, Optional<Selection> exclude, List<Integer> layers,
    List<String> layersPattern, List<String> modulesToSave, Bias bias) {
  private static final String TARGET_MODULES = "target_modules";
  private static final String EXCLUDE_MODULES = "exclude_modules";
  private static final String MODULES_TO_SAVE = "modules_to_save";
  private static final String LAYERS_TO_TRANSFORM = "layers_to_transform";
  private static final String LAYERS_PATTERN = "layers_pattern";
  private static final String ALL_LINEAR = "all-linear";

  /** Copies the lists. */
  public Targets {
    layers = List.copyOf(layers);
    layersPattern = List.copyOf(layersPattern);
    modulesToSave = List.copyOf(modulesToSave);
  }

  /** Selects sites and nothing else. */
  public static Targets of(Selection selection) {
    return new Targets(selection, Optional.empty(), List.of(), List.of(), List.of(), Bias.NONE);
  }

  /**
   * Describes the entries that {@link #read} reads, for {@link PeftMethod#settings}; those of layers come last,
   * for methods that leave them out.
   */
  public static List<Setting> settings() {
    return List.of(
        Setting.of(TARGET_MODULES,
            "which modules to adapt: names or ends of names, one regular expression, or"
                + " \"all-linear\", the default")
            .as(Setting.TARGETS).startingAt(ALL_LINEAR),
        Setting.of(EXCLUDE_MODULES, "which of them to leave out: names or ends of names, or one regular"
            + " expression"),
        Setting.of(MODULES_TO_SAVE, "which modules to train and store as a whole: ends of names"),
        Setting.of(LAYERS_TO_TRANSFORM, "which layers to adapt, by their indices from 0; all by default"),
        Setting.of(LAYERS_PATTERN,
            "the name of the list of layers that the indices count, such as \"layers\""));
  }

  /**
   * Reads PEFT's entries {@code target_modules}, {@code exclude_modules}, {@code layers_to_transform}, {@code
   * layers_pattern} and {@code modules_to_save}, without biases; adds every fault to the configuration.
   */
  public static Targets read(Configuration json) {
    Optional<Selection> selected = readSelection(json, TARGET_MODULES);
    if (selected.isEmpty()) {
      json.fault(TARGET_MODULES, "is missing: name modules, such as [\"q_proj\", \"v_proj\"], or"
          + " \"all-linear\"");
    }
    return new Targets(selected.orElse(new Selection.AllLinear()), readSelection(json, EXCLUDE_MODULES),
        json.integers(LAYERS_TO_TRANSFORM), json.texts(LAYERS_PATTERN), json.texts(MODULES_TO_SAVE),
        Bias.NONE);
  }

  /**
   * Reads an entry that chooses modules: a list of names or ends of names, one regular expression, or
   * {@code "all-linear"}; empty if it is absent.
   */
  public static Optional<Selection> readSelection(Configuration json, String key) {
    return json.value(key).map(value -> {
      if (!(value instanceof String text)) {
        return new Selection.Names(json.texts(key));
      }
      if (text.equals(ALL_LINEAR)) {
        return new Selection.AllLinear();
      }
      NamePattern.compile(text, json, key);
      return new Selection.Pattern(text);
    });
  }

  /** Returns the entries that {@link #read} reads, as PEFT writes them. */
  public Map<String, @Nullable Object> write() {
    Map<String, @Nullable Object> out = writeModules();
    out.put(LAYERS_PATTERN, switch (layersPattern.size()) {
      case 0 -> null;
      case 1 -> layersPattern.getFirst();
      default -> layersPattern;
    });
    out.put(LAYERS_TO_TRANSFORM, layers.isEmpty() ? null : layers.stream().map(Integer::longValue).toList());
    return out;
  }

  /** Returns the entries of {@link #write} but those of layers, for methods that PEFT gives none. */
  public Map<String, @Nullable Object> writeModules() {
    Map<String, @Nullable Object> out = new LinkedHashMap<>();
    out.put(EXCLUDE_MODULES, exclude.map(Selection::written).orElse(null));
    out.put(MODULES_TO_SAVE, modulesToSave.isEmpty() ? null : modulesToSave);
    out.put(TARGET_MODULES, selection.written());
    return out;
  }

  /** Returns the same targets with other biases. */
  public Targets withBias(Bias chosen) {
    return new Targets(selection, exclude, layers, layersPattern, modulesToSave, chosen);
  }

  /** Chooses among the base biases. */
  public enum Bias {
    /** No bias learns. */
    NONE,
    /** Every bias of the model learns. */
    ALL,
    /** The biases of the adapted layers learn. */
    ADAPTED_ONLY
  }

  /** Chooses among the sites. */
  public sealed interface Selection {
    /** Returns the choice as {@code adapter_config.json} has it. */
    default Object written() {
      return switch (this) {
        case Names names -> names.entries();
        case Pattern pattern -> pattern.regex();
        case Whole whole -> whole.modules().written();
        case None _ -> List.of();
        case AllLinear _,AllAttention _,ModelInput _ -> ALL_LINEAR;
      };
    }

    /**
     * Linear layers and embeddings whose name is an entry or ends with a dot and an entry. Every entry must
     * hit.
     *
     * @param entries names or endings of names
     */
    record Names(List<String> entries) implements Selection {
      /** Copies the entries. */
      public Names {
        entries = List.copyOf(entries);
      }
    }

    /**
     * Linear layers and embeddings whose whole name matches.
     *
     * @param regex a regular expression
     */
    record Pattern(String regex) implements Selection {}

    /** Every linear layer but the head. */
    record AllLinear() implements Selection {}

    /** Every attention layer. */
    record AllAttention() implements Selection {}

    /**
     * No site: all parameters of the named modules learn as a whole, whatever the modules are, norms included.
     * They are stored as {@code base_model.model.} + the module's name + {@code .} + the wrapper + {@code .} +
     * the parameter's name, such as {@code weight}.
     *
     * @param modules which modules: {@link Names}, {@link Pattern} or {@link AllLinear}
     * @param wrapper what the method calls its module there, such as {@code ln_tuning_layers}
     */
    record Whole(Selection modules, String wrapper) implements Selection {
      /** Checks that the choice is one of modules. */
      public Whole {
        if (!(modules instanceof Names || modules instanceof Pattern || modules instanceof AllLinear)) {
          throw new IllegalArgumentException("no choice of modules: " + modules);
        }
      }
    }

    /** No site, for methods that do all they do by {@link Targets#modulesToSave}. */
    record None() implements Selection {}

    /** The sequence that enters the model. */
    record ModelInput() implements Selection {}
  }
}
