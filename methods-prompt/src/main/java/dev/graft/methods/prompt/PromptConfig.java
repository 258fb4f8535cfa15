package dev.graft.methods.prompt;

import dev.graft.error.GraftException;
import dev.graft.spi.Configuration;
import dev.graft.spi.ModelOutline;
import dev.graft.spi.Site;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.apiguardian.api.API;
import org.jspecify.annotations.Nullable;

/**
 * Holds the settings of prompt tuning, with the names that Hugging Face PEFT gives them in
 * {@code adapter_config.json}.
 *
 * @param virtualTokens embeddings before every sequence
 * @param layers attention layers of the model; recorded only
 * @param heads query heads of a layer; recorded only
 * @param tokenDim length of an embedding
 * @param text what the embeddings start as; empty for random numbers
 * @param tokenizer name of the tokenizer that splits the text; recorded only
 * @param tokenizerOptions options of that tokenizer; recorded only
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record PromptConfig(int virtualTokens, Optional<Long> layers, Optional<Long> heads,
    Optional<Long> tokenDim, Optional<String> text, Optional<String> tokenizer,
    Optional<Map<String, Object>> tokenizerOptions) {
  private static final long LARGEST = 1 << 20;

  /** Reads the settings; adds every fault to the configuration. */
  static PromptConfig read(Configuration json) {
    Optional<Long> virtualTokens = size(json, "num_virtual_tokens");
    if (!json.has("num_virtual_tokens")) {
      json.fault("num_virtual_tokens", "is missing: it is the length of the prompt, such as 20");
    }
    if (json.integer("num_transformer_submodules", 1) != 1) {
      json.fault("num_transformer_submodules", "must be 1 for a decoder-only model");
    }
    if (!json.texts("modules_to_save").isEmpty()) {
      json.fault("modules_to_save", "is not supported by prompt tuning: use a method that adapts weights");
    }
    Optional<String> text = json.optionalText("prompt_tuning_init_text");
    Optional<String> tokenizer = json.optionalText("tokenizer_name_or_path");
    String start = json.text("prompt_tuning_init", "RANDOM");
    boolean words = start.equals("TEXT");
    if (words && text.filter(t -> !t.isBlank()).isEmpty()) {
      json.fault("prompt_tuning_init_text", "is missing: prompt_tuning_init is \"TEXT\"");
    }
    if (words && tokenizer.isEmpty()) {
      json.fault("tokenizer_name_or_path", "is missing: prompt_tuning_init is \"TEXT\", and Hugging Face PEFT"
          + " refuses such an adapter without it. Name the base model");
    }
    if (!words && !start.equals("RANDOM")) {
      json.fault("prompt_tuning_init", "must be \"RANDOM\" or \"TEXT\", not \"" + start + "\"");
    }
    return new PromptConfig(Math.toIntExact(virtualTokens.orElse(1L)), size(json, "num_layers"),
        size(json, "num_attention_heads"), size(json, "token_dim"), words ? text : Optional.empty(),
        tokenizer, json.section("tokenizer_kwargs").map(Configuration::values));
  }

  private static Optional<Long> size(Configuration json, String key) {
    return json.optionalInteger(key).filter(value -> {
      boolean fits = value >= 1 && value <= LARGEST;
      if (!fits) {
        json.fault(key, "must be 1 to " + LARGEST + ", not " + value);
      }
      return fits;
    });
  }

  /**
   * Fills in what the model determines.
   *
   * @throws GraftException if the model's embeddings have another length
   */
  PromptConfig resolved(ModelOutline outline) {
    long dim = outline.sites().stream().filter(Site.Input.class::isInstance).map(Site.Input.class::cast)
        .findFirst().map(Site.Input::dim).orElseThrow(() -> new GraftException(
            "Prompt tuning needs a model that starts with embeddings, and this one does not"));
    if (tokenDim.isPresent() && tokenDim.get() != dim) {
      throw new GraftException("adapter_config.json: \"token_dim\" is " + tokenDim.get()
          + ", but this model's embeddings have length " + dim + ": the prompt was made for another model");
    }
    return new PromptConfig(virtualTokens, layers.or(() -> Optional.of((long) outline.attentions().size())),
        heads.or(() -> outline.attentions().stream().findFirst().map(Site.Attention::heads)),
        Optional.of(dim), text, tokenizer, tokenizerOptions);
  }

  /** Returns all fields of {@code adapter_config.json} that are prompt tuning's. */
  Map<String, @Nullable Object> write() {
    Map<String, @Nullable Object> out = new LinkedHashMap<>();
    out.put("auto_mapping", null);
    out.put("modules_to_save", null);
    out.put("num_attention_heads", heads.orElse(null));
    out.put("num_layers", layers.orElse(null));
    out.put("num_transformer_submodules", 1L);
    out.put("num_virtual_tokens", (long) virtualTokens);
    out.put("prompt_tuning_init", text.isPresent() ? "TEXT" : "RANDOM");
    out.put("prompt_tuning_init_text", text.orElse(null));
    out.put("revision", null);
    out.put("token_dim", tokenDim.orElse(null));
    out.put("tokenizer_kwargs", tokenizerOptions.orElse(null));
    out.put("tokenizer_name_or_path", tokenizer.orElse(null));
    return out;
  }
}
