package dev.graft.integration.contract;

import dev.graft.models.MistralFamily;
import dev.graft.spi.ModelFamily;
import dev.graft.testkit.ModelFamilyContract;
import java.util.List;
import java.util.Map;

class MistralTests extends ModelFamilyContract {
  @Override
  protected ModelFamily family() {
    return new MistralFamily();
  }

  @Override
  protected List<Map<String, Object>> configurations() {
    return List.of(
        Map.of("model_type", "mistral", "vocab_size", 19L, "hidden_size", 16L, "intermediate_size", 24L,
            "num_hidden_layers", 2L, "num_attention_heads", 4L, "num_key_value_heads", 2L, "head_dim", 6L,
            "sliding_window", 4L),
        Map.of("model_type", "ministral", "vocab_size", 19L, "hidden_size", 16L, "intermediate_size", 24L,
            "num_hidden_layers", 2L, "num_attention_heads", 4L, "num_key_value_heads", 2L, "sliding_window",
            3L, "layer_types", List.of("full_attention", "sliding_attention"), "tie_word_embeddings", true));
  }
}
