package dev.graft.methods.lora;

import dev.graft.spi.Configuration;
import dev.graft.spi.NamePattern;
import dev.graft.spi.Setting;
import dev.graft.spi.Targets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.apiguardian.api.API;
import org.jspecify.annotations.Nullable;

/**
 * Holds the settings of LoRA, with the names that Hugging Face PEFT gives them in
 * {@code adapter_config.json}.
 *
 * @param rank rows of A and columns of B
 * @param alpha divided by the rank (or its root) gives the scaling
 * @param dropout probability with which elements of A's operand are dropped in training
 * @param targets where the method acts
 * @param fanInFanOut the file's own field; the orientation is taken from the model
 * @param rsLora whether alpha is divided by the rank's square root (Kalajdzievski 2023)
 * @param loraBias whether B has a bias
 * @param start how A starts
 * @param rankPattern ranks of modules whose name matches, the first match counting
 * @param alphaPattern alphas of modules whose name matches, the first match counting
 * @param dora whether the file asks for DoRA, which builds on these settings
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record LoraConfig(int rank, double alpha, double dropout, Targets targets, boolean fanInFanOut,
    boolean rsLora, boolean loraBias, Start start, Map<String, Double> rankPattern,
    Map<String, Double> alphaPattern, boolean dora) {
  private static final long LARGEST_RANK = 1 << 20;

  /** Settings of variants, which compute something else than LoRA. */
  private static final List<String> VARIANTS = List.of("alora_invocation_tokens", "layer_replication",
      "target_parameters", "trainable_token_indices", "use_bdlora", "arrow_config", "kasa_config");

  /** Settings that change how training goes, or how it starts, but not what a trained adapter computes. */
  private static final List<String> TRAINING_ONLY = List.of("eva_config", "corda_config", "lora_ga_config",
      "velora_config", "monteclora_config", "megatron_config", "loftq_config");

  /** Those of them that change every step, so that further training is not as before. */
  private static final List<String> CHANGES_TRAINING = List.of("velora_config", "monteclora_config");

  /** Starts that take something out of the base's weights, so that an adapter does not fit the plain base. */
  private static final List<String> CHANGES_BASE = List.of("pissa", "olora", "corda", "loftq", "lora_ga");

  /** Starts that leave the base as it is. */
  private static final List<String> LEAVES_BASE = List.of("eva", "orthogonal", "mica");

  /** Ends of the names of modules that share a weight in many models. */
  private static final List<String> TIED_MODULES = List.of("embed_tokens", "lm_head", "wte", "embed_in",
      "embed_out", "word_embeddings");

  /** Ways in which A starts; B is zero but for {@link #RANDOM}. */
  public enum Start {
    /** Uniform in ±1/√in. */
    DEFAULT,
    /** Normal with deviation 1/rank. */
    GAUSSIAN,
    /** Both factors uniform, so that the adapter is not the identity: for tests. */
    RANDOM
  }

  /** Copies the patterns, keeping their order. */
  public LoraConfig {
    rankPattern = Collections.unmodifiableMap(new LinkedHashMap<>(rankPattern));
    alphaPattern = Collections.unmodifiableMap(new LinkedHashMap<>(alphaPattern));
  }

  /** Describes what users choose, DoRA's users too. */
  public static List<Setting> settings() {
    List<Setting> settings = new ArrayList<>(List.of(
        Setting.of("r", "the rank: rows of A and columns of B; 8 by default").as(Setting.RANK),
        Setting.of("lora_alpha", "what is added is scaled by alpha over the rank; 8 by default")
            .as(Setting.ALPHA),
        Setting.of("lora_dropout", "probability with which elements of A's operand are dropped in training")
            .as(Setting.DROPOUT)));
    settings.addAll(Targets.settings());
    settings.addAll(List.of(
        Setting.of("bias", "which biases of the base learn: none, all, or lora_only"),
        Setting.of("use_rslora", "whether alpha is divided by the rank's square root instead"),
        Setting.of("init_lora_weights", "how A starts: true, \"gaussian\", or false for factors that both are"
            + " random"),
        Setting.of("rank_pattern", "ranks of the modules whose names match a regular expression"),
        Setting.of("alpha_pattern", "alphas of the modules whose names match a regular expression"),
        Setting.of("lora_bias", "whether B has a bias"),
        Setting.of("fan_in_fan_out", "kept for other tools; the orientation is taken from the model")));
    return settings;
  }

  /** Reads the settings; adds every fault to the configuration. */
  public static LoraConfig read(Configuration json) {
    long rank = json.integer("r", 8);
    if (rank < 1 || rank > LARGEST_RANK) {
      json.fault("r", "is the rank and must be from 1 to " + LARGEST_RANK + ", not " + rank);
      rank = 1;
    }
    double dropout = json.number("lora_dropout", 0);
    if (!(dropout >= 0 && dropout < 1)) {
      json.fault("lora_dropout", "must be from 0 to below 1, not " + dropout);
    }
    Map<String, Double> ranks = pattern(json, "rank_pattern");
    ranks.forEach((key, value) -> {
      if (value < 1 || value != Math.rint(value)) {
        json.fault("rank_pattern." + key, "is a rank and must be a whole number of 1 or more, not " + value);
      }
    });
    for (String key : VARIANTS) {
      if (isSet(json, key)) {
        json.fault(key, "asks for a variant of LoRA that is not supported");
      }
    }
    for (String key : TRAINING_ONLY) {
      if (isSet(json, key) && !json.isStored()) {
        json.fault(key, "asks for a variant of LoRA that is not supported");
      } else if (isSet(json, key) && CHANGES_TRAINING.contains(key)) {
        json.note(key, "has an effect in training only and is passed over: the adapter acts as it does"
            + " elsewhere, but is trained further as a plain LoRA");
      }
    }
    if (json.flag("use_qalora", false)) {
      json.fault("use_qalora", "asks for a variant of LoRA that is not supported");
    }
    Targets targets = targets(json);
    if (json.flag("ensure_weight_tying", false) && !(json.isStored() && sparesTiedModules(targets))) {
      json.fault("ensure_weight_tying",
          "must be false: one adapter for the embedding and the head that shares"
              + " its weight is not supported. Set it to false if the model's head has a weight of its own, where"
              + " it changes nothing; else merge the adapter in Hugging Face PEFT");
    }
    return new LoraConfig((int) rank, json.number("lora_alpha", 8), dropout, targets,
        json.flag("fan_in_fan_out", false), json.flag("use_rslora", false), json.flag("lora_bias", false),
        start(json), ranks, pattern(json, "alpha_pattern"), json.flag("use_dora", false));
  }

  /** Tells whether a field has a value that PEFT acts upon: empty ones and false are none. */
  private static boolean isSet(Configuration json, String key) {
    return json.value(key).filter(value -> switch (value) {
      case Collection<?> list -> !list.isEmpty();
      case Map<?, ?> map -> !map.isEmpty();
      case Boolean flag -> flag;
      case String text -> !text.isEmpty();
      default -> true;
    }).isPresent();
  }

  private static boolean sparesTiedModules(Targets targets) {
    boolean targeted = switch (targets.selection()) {
      case Targets.Selection.Names names -> names.entries().stream().anyMatch(LoraConfig::isTiedModule);
      case Targets.Selection.Pattern _ -> true;
      case Targets.Selection.AllLinear _,Targets.Selection.AllAttention _,Targets.Selection.ModelInput _,Targets.Selection.Whole _,Targets.Selection.None _ ->
        false;
    };
    return !targeted && targets.modulesToSave().stream().noneMatch(LoraConfig::isTiedModule);
  }

  private static boolean isTiedModule(String entry) {
    return TIED_MODULES.stream().anyMatch(name -> entry.equals(name) || entry.endsWith("." + name));
  }

  private static Map<String, Double> pattern(Configuration json, String key) {
    Map<String, Double> pattern = json.numbers(key);
    pattern.keySet().forEach(regex -> NamePattern.compile(ofEnding(regex), json, key));
    return pattern;
  }

  private static Start start(Configuration json) {
    Object value = json.value("init_lora_weights").orElse(true);
    if (value instanceof Boolean standard) {
      return standard ? Start.DEFAULT : Start.RANDOM;
    }
    String text = String.valueOf(value).toLowerCase(Locale.ROOT);
    if (text.equals("gaussian")) {
      return Start.GAUSSIAN;
    }
    if (CHANGES_BASE.stream().anyMatch(text::startsWith)) {
      json.fault("init_lora_weights", "\"" + value + "\" is not supported: such an adapter starts from the"
          + " base's own values and changes the base too, so that it does not fit the plain base. Convert it to"
          + " a plain LoRA where it was made (path_initial_model_for_weight_conversion in Hugging Face PEFT). If"
          + " its base is the changed model, saved as such, set init_lora_weights to true");
    } else if (!json.isStored() || !LEAVES_BASE.contains(text)) {
      json.fault("init_lora_weights", "must be true, false or \"gaussian\", not \"" + value + "\"");
    }
    return Start.DEFAULT;
  }

  private static Targets targets(Configuration json) {
    Targets.Bias bias = switch (json.text("bias", "none")) {
      case "none" -> Targets.Bias.NONE;
      case "all" -> Targets.Bias.ALL;
      case "lora_only" -> Targets.Bias.ADAPTED_ONLY;
      default -> {
        json.fault("bias", "must be \"none\", \"all\" or \"lora_only\"");
        yield Targets.Bias.NONE;
      }
    };
    return Targets.read(json).withBias(bias);
  }

  /** Returns the rank of a module. */
  public int rank(String module) {
    return match(rankPattern, module).map(Double::intValue).orElse(rank);
  }

  /** Returns the factor of the low-rank product of a module. */
  public double scaling(String module) {
    double own = match(alphaPattern, module).orElse(alpha);
    int r = rank(module);
    return own / (rsLora ? Math.sqrt(r) : r);
  }

  /** Returns settings under which every module's {@link #scaling} is multiplied by a factor. */
  public LoraConfig scaled(double factor) {
    Map<String, Double> alphas = new LinkedHashMap<>(alphaPattern);
    alphas.replaceAll((_, value) -> value * factor);
    return new LoraConfig(rank, alpha * factor, dropout, targets, fanInFanOut, rsLora, loraBias, start,
        rankPattern, alphas, dora);
  }

  /** Finds the first key that matches the end of a name at a dot, as PEFT does. */
  private static Optional<Double> match(Map<String, Double> pattern, String module) {
    return pattern.entrySet().stream()
        .filter(entry -> NamePattern.compile(ofEnding(entry.getKey())).matches(module))
        .map(Map.Entry::getValue).findFirst();
  }

  /** Returns an expression for the names that end with a match; groups are numbered as PEFT numbers them. */
  private static String ofEnding(String regex) {
    return "(.*\\.)?(" + regex + ")$";
  }

  /** Returns all fields of {@code adapter_config.json} that are LoRA's. */
  public Map<String, @Nullable Object> write() {
    Map<String, @Nullable Object> out = targets.write();
    VARIANTS.forEach(key -> out.put(key, null));
    TRAINING_ONLY.forEach(key -> out.put(key, null));
    out.put("alpha_pattern", whole(alphaPattern));
    out.put("auto_mapping", null);
    out.put("bias", switch (targets.bias()) {
      case NONE -> "none";
      case ALL -> "all";
      case ADAPTED_ONLY -> "lora_only";
    });
    out.put("ensure_weight_tying", false);
    out.put("fan_in_fan_out", fanInFanOut);
    out.put("init_lora_weights", switch (start) {
      case DEFAULT -> true;
      case GAUSSIAN -> "gaussian";
      case RANDOM -> false;
    });
    out.put("loftq_config", Map.of());
    out.put("lora_alpha", whole(alpha));
    out.put("lora_bias", loraBias);
    out.put("lora_dropout", dropout);
    out.put("megatron_core", "megatron.core");
    out.put("qalora_group_size", 16L);
    out.put("r", (long) rank);
    out.put("rank_pattern", whole(rankPattern));
    out.put("revision", null);
    out.put("use_dora", dora);
    out.put("use_qalora", false);
    out.put("use_rslora", rsLora);
    return out;
  }

  private static Map<String, Object> whole(Map<String, Double> pattern) {
    Map<String, Object> out = new LinkedHashMap<>();
    pattern.forEach((key, value) -> out.put(key, whole(value)));
    return out;
  }

  private static Object whole(double value) {
    if (value == Math.rint(value) && Math.abs(value) < 1L << 53) {
      return (long) value;
    }
    return value;
  }
}
