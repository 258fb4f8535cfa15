package dev.graft.integration.contract;

import dev.graft.models.Phi3Family;
import dev.graft.spi.ModelFamily;
import dev.graft.testkit.ModelFamilyContract;
import java.util.List;
import java.util.Map;

class Phi3Tests extends ModelFamilyContract {
  @Override
  protected ModelFamily family() {
    return new Phi3Family();
  }

  @Override
  protected List<Map<String, Object>> configurations() {
    return List.of(
        Map.of("model_type", "phi3", "vocab_size", 19L, "hidden_size", 16L, "intermediate_size", 24L,
            "num_hidden_layers", 2L, "num_attention_heads", 4L, "num_key_value_heads", 2L, "sliding_window",
            4L),
        Map.of("model_type", "phi3", "vocab_size", 11L, "hidden_size", 12L, "intermediate_size", 8L,
            "num_hidden_layers", 1L, "num_attention_heads", 2L, "num_key_value_heads", 2L,
            "partial_rotary_factor", 0.67, "original_max_position_embeddings", 64L, "tie_word_embeddings",
            true));
  }
}
