package dev.graft.methods.prefix;

import dev.graft.error.GraftException;
import dev.graft.spi.Configuration;
import dev.graft.spi.ModelOutline;
import dev.graft.spi.Site;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apiguardian.api.API;
import org.jspecify.annotations.Nullable;

/**
 * Holds the settings of prefix-tuning, with the names that Hugging Face PEFT gives them in
 * {@code adapter_config.json}.
 *
 * @param virtualTokens keys and values that every layer puts before a sequence
 * @param layers attention layers of the model
 * @param heads key/value heads of a layer
 * @param tokenDim length of one layer's keys for one virtual token: heads times the length of a head
 * @param projection whether the prefix is trained as the result of a small network
 * @param hidden width of that network
 * @param zero whether the prefix starts at zero
 * @param folded whether the network's result stands for the network, as in every stored adapter
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record PrefixConfig(int virtualTokens, Optional<Long> layers, Optional<Long> heads,
    Optional<Long> tokenDim, boolean projection, Optional<Long> hidden, boolean zero, boolean folded) {
  private static final long LARGEST = 1 << 20;

  /** Reads the settings; adds every fault to the configuration. */
  static PrefixConfig read(Configuration json) {
    Optional<Long> virtualTokens = size(json, "num_virtual_tokens");
    if (!json.has("num_virtual_tokens")) {
      json.fault("num_virtual_tokens", "is missing: it is the length of the prefix, such as 20");
    }
    if (json.integer("num_transformer_submodules", 1) != 1) {
      json.fault("num_transformer_submodules", "must be 1 for a decoder-only model");
    }
    if (!json.texts("modules_to_save").isEmpty()) {
      json.fault("modules_to_save", "is not supported by prefix-tuning: use a method that adapts weights");
    }
    Optional<String> start = json.optionalText("init_weights");
    if (!start.orElse("zero").equals("zero")) {
      json.fault("init_weights", "must be null or \"zero\", not \"" + start.get() + "\"");
    }
    return new PrefixConfig(Math.toIntExact(virtualTokens.orElse(1L)), size(json, "num_layers"),
        size(json, "num_attention_heads"), size(json, "token_dim"), json.flag("prefix_projection", false),
        size(json, "encoder_hidden_size"), start.isPresent(), false);
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
   * @throws GraftException if the model has other sizes; names them
   */
  PrefixConfig resolved(ModelOutline outline) {
    List<Site.Attention> attentions = outline.attentions();
    if (attentions.isEmpty()) {
      throw new GraftException("Prefix-tuning needs attention layers, and this model has none");
    }
    Site.Attention first = attentions.getFirst();
    for (Site.Attention other : attentions) {
      if (other.kvHeads() != first.kvHeads() || other.headDim() != first.headDim()) {
        throw new GraftException("Prefix-tuning stores the keys and values of all layers in one table, but "
            + other.name() + " has " + other.kvHeads() + " heads of " + other.headDim() + ", and "
            + first.name() + " " + first.kvHeads() + " of " + first.headDim());
      }
    }
    long dim = first.kvHeads() * first.headDim();
    check("num_layers", layers, attentions.size());
    check("num_attention_heads", heads, first.kvHeads());
    check("token_dim", tokenDim, dim);
    return new PrefixConfig(virtualTokens, Optional.of((long) attentions.size()),
        Optional.of(first.kvHeads()), Optional.of(dim), projection, Optional.of(hidden.orElse(dim)), zero,
        folded);
  }

  private static void check(String key, Optional<Long> stated, long found) {
    if (stated.isPresent() && stated.get() != found) {
      throw new GraftException("adapter_config.json: \"" + key + "\" is " + stated.get()
          + ", but this model has " + found
          + ": the prefix was made for another model. (Of heads, prefix-tuning"
          + " counts those of keys and values.)");
    }
  }

  /** Returns these settings for a prefix that is stored without its network. */
  PrefixConfig fold() {
    return new PrefixConfig(virtualTokens, layers, heads, tokenDim, projection, hidden, zero, true);
  }

  /** Tells whether the network is there. */
  boolean projects() {
    return projection && !folded;
  }

  /** Returns the numbers that make up one virtual token's keys and values in all layers. */
  long width() {
    return 2 * layers.orElseThrow() * tokenDim.orElseThrow();
  }

  /** Returns all fields of {@code adapter_config.json} that are prefix-tuning's. */
  Map<String, @Nullable Object> write() {
    Map<String, @Nullable Object> out = new LinkedHashMap<>();
    out.put("auto_mapping", null);
    out.put("encoder_hidden_size", hidden.orElse(null));
    out.put("init_weights", zero ? "zero" : null);
    out.put("modules_to_save", null);
    out.put("num_attention_heads", heads.orElse(null));
    out.put("num_layers", layers.orElse(null));
    out.put("num_transformer_submodules", 1L);
    out.put("num_virtual_tokens", (long) virtualTokens);
    out.put("prefix_projection", projection);
    out.put("revision", null);
    out.put("token_dim", tokenDim.orElse(null));
    return out;
  }
}
