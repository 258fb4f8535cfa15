package dev.graft.integration.contract;

import dev.graft.models.GemmaFamily;
import dev.graft.spi.ModelFamily;
import dev.graft.testkit.ModelFamilyContract;
import java.util.List;
import java.util.Map;

class GemmaTests extends ModelFamilyContract {
  @Override
  protected ModelFamily family() {
    return new GemmaFamily();
  }

  @Override
  protected List<Map<String, Object>> configurations() {
    return List.of(
        Map.of("model_type", "gemma", "vocab_size", 19L, "hidden_size", 16L, "intermediate_size", 24L,
            "num_hidden_layers", 2L, "num_attention_heads", 4L, "num_key_value_heads", 2L, "head_dim", 6L),
        Map.ofEntries(Map.entry("model_type", "gemma"), Map.entry("vocab_size", 11L),
            Map.entry("hidden_size", 12L), Map.entry("intermediate_size", 8L),
            Map.entry("num_hidden_layers", 1L), Map.entry("num_attention_heads", 2L),
            Map.entry("num_key_value_heads", 2L), Map.entry("head_dim", 4L), Map.entry("hidden_act", "gelu"),
            Map.entry("attention_bias", true), Map.entry("tie_word_embeddings", false)));
  }
}
