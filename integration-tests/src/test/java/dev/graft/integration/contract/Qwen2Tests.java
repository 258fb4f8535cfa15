package dev.graft.integration.contract;

import dev.graft.models.Qwen2Family;
import dev.graft.spi.ModelFamily;
import dev.graft.testkit.ModelFamilyContract;
import java.util.List;
import java.util.Map;

class Qwen2Tests extends ModelFamilyContract {
  @Override
  protected ModelFamily family() {
    return new Qwen2Family();
  }

  @Override
  protected List<Map<String, Object>> configurations() {
    return List.of(
        Map.of("model_type", "qwen2", "vocab_size", 19L, "hidden_size", 16L, "intermediate_size", 24L,
            "num_hidden_layers", 2L, "num_attention_heads", 4L, "num_key_value_heads", 2L,
            "tie_word_embeddings", true),
        Map.of("model_type", "qwen2", "vocab_size", 19L, "hidden_size", 16L, "intermediate_size", 24L,
            "num_hidden_layers", 2L, "num_attention_heads", 4L, "num_key_value_heads", 2L,
            "use_sliding_window", true, "sliding_window", 3L, "max_window_layers", 1L));
  }
}
