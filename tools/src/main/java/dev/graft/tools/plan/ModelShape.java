package dev.graft.tools.plan;

import dev.graft.error.GraftException;
import dev.graft.error.Nearest;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.apiguardian.api.API;

/**
 * States the sizes of a Llama model (Touvron et al. 2023) without its weights.
 *
 * @param layers number of blocks
 * @param hidden length of a token's vector
 * @param ffn length of the feed-forward network's inner vector
 * @param heads number of query heads
 * @param kvHeads number of key/value heads
 * @param vocabulary number of tokens
 * @param positions how many positions the model is made for
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record ModelShape(long layers, long hidden, long ffn, long heads, long kvHeads, long vocabulary,
    long positions) {
  private static final long POSITIONS = 4096;
  private static final Map<String, ModelShape> NAMED = named();

  private static Map<String, ModelShape> named() {
    Map<String, ModelShape> shapes = new LinkedHashMap<>();
    shapes.put("probe", new ModelShape(4, 512, 1376, 8, 8, 8192, POSITIONS));
    shapes.put("tinyllama-1.1b", new ModelShape(22, 2048, 5632, 32, 4, 32000, 2048));
    shapes.put("llama-7b", new ModelShape(32, 4096, 11008, 32, 32, 32000, 2048));
    shapes.put("llama-3-8b", new ModelShape(32, 4096, 14336, 32, 8, 128256, 8192));
    shapes.put("llama-65b", new ModelShape(80, 8192, 22016, 64, 64, 32000, 2048));
    return shapes;
  }

  /** Checks that the sizes fit together; names all faults. */
  public ModelShape {
    List<String> faults = new ArrayList<>();
    Map<String, Long> sizes = new LinkedHashMap<>();
    sizes.put("layers", layers);
    sizes.put("hidden", hidden);
    sizes.put("ffn", ffn);
    sizes.put("heads", heads);
    sizes.put("kv-heads", kvHeads);
    sizes.put("vocab", vocabulary);
    sizes.put("positions", positions);
    sizes.forEach((name, size) -> {
      if (size < 1) {
        faults.add(name + " must be 1 or more, not " + size);
      }
    });
    if (faults.isEmpty() && hidden % heads != 0) {
      faults.add("hidden " + hidden + " must be a multiple of heads " + heads);
    }
    if (faults.isEmpty() && heads % kvHeads != 0) {
      faults.add("heads " + heads + " must be a multiple of kv-heads " + kvHeads);
    }
    if (!faults.isEmpty()) {
      throw new GraftException("The model's shape: " + String.join("; ", faults));
    }
  }

  /** Returns the names of the shapes that are known by name. */
  public static List<String> names() {
    return List.copyOf(NAMED.keySet());
  }

  /**
   * Reads a shape: a name, or sizes such as {@code layers=4,hidden=512,ffn=1376,heads=8,kv-heads=8,vocab=8192}.
   * Without {@code kv-heads} there are as many as heads; without {@code positions} there are 4096.
   *
   * @throws GraftException if there is no such name, or a size is missing or faulty; names all faults
   */
  public static ModelShape parse(String text) {
    ModelShape known = NAMED.get(text.toLowerCase(Locale.ROOT));
    if (known != null) {
      return known;
    }
    if (!text.contains("=")) {
      throw new GraftException("There is no shape \"" + text + "\""
          + Nearest.question(text, NAMED.keySet())
          + ". Known are " + String.join(", ", NAMED.keySet())
          + ", or sizes such as layers=4,hidden=512,ffn=1376,heads=8,kv-heads=8,vocab=8192");
    }
    Sizes sizes = new Sizes(text);
    long heads = sizes.required("heads");
    return new ModelShape(sizes.required("layers"), sizes.required("hidden"),
        sizes.required("ffn"), heads, sizes.optional("kv-heads", heads), sizes.required("vocab"),
        sizes.optional("positions", POSITIONS));
  }

  /** Returns {@code config.json} of a model of this shape. */
  public Map<String, Object> config() {
    Map<String, Object> config = new LinkedHashMap<>();
    config.put("model_type", "llama");
    config.put("num_hidden_layers", layers);
    config.put("hidden_size", hidden);
    config.put("intermediate_size", ffn);
    config.put("num_attention_heads", heads);
    config.put("num_key_value_heads", kvHeads);
    config.put("vocab_size", vocabulary);
    config.put("max_position_embeddings", positions);
    config.put("rms_norm_eps", 1e-5);
    config.put("hidden_act", "silu");
    config.put("tie_word_embeddings", false);
    return config;
  }

  /** Reads sizes and collects all faults. */
  private static final class Sizes {
    private static final List<String> KEYS = List.of("layers", "hidden", "ffn", "heads", "kv-heads", "vocab",
        "positions");

    private final String text;
    private final Map<String, Long> sizes = new LinkedHashMap<>();
    private final List<String> faults = new ArrayList<>();

    Sizes(String text) {
      this.text = text;
      for (String part : text.split(",", -1)) {
        String[] pair = part.strip().split("=", 2);
        if (!KEYS.contains(pair[0])) {
          faults.add("\"" + pair[0] + "\" is no size"
              + Nearest.question(pair[0], KEYS));
        } else if (pair.length < 2 || !pair[1].matches("[1-9][0-9]{0,11}")) {
          faults.add(pair[0] + " must be a whole number of 1 or more");
        } else {
          sizes.put(pair[0], Long.parseLong(pair[1]));
        }
      }
      for (String key : List.of("layers", "hidden", "ffn", "heads", "vocab")) {
        if (!sizes.containsKey(key) && faults.stream().noneMatch(fault -> fault.startsWith(key + " "))) {
          faults.add(key + " is missing");
        }
      }
      finish();
    }

    long required(String key) {
      return optional(key, 1);
    }

    long optional(String key, long fallback) {
      return sizes.getOrDefault(key, fallback);
    }

    void finish() {
      if (!faults.isEmpty()) {
        throw new GraftException("The shape \"" + text + "\": " + String.join("; ", faults));
      }
    }
  }
}
