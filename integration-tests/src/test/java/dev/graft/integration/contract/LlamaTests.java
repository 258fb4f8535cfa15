package dev.graft.integration.contract;

import dev.graft.models.LlamaFamily;
import dev.graft.spi.ModelFamily;
import dev.graft.testkit.ModelFamilyContract;
import java.util.List;
import java.util.Map;

class LlamaTests extends ModelFamilyContract {
  @Override
  protected ModelFamily family() {
    return new LlamaFamily();
  }

  @Override
  protected List<Map<String, Object>> configurations() {
    return List.of(
        Map.of("model_type", "llama", "vocab_size", 19L, "hidden_size", 16L, "intermediate_size", 24L,
            "num_hidden_layers", 2L, "num_attention_heads", 4L, "num_key_value_heads", 2L,
            "tie_word_embeddings", true, "max_position_embeddings", 64L),
        Map.of("model_type", "llama", "vocab_size", 11L, "hidden_size", 12L, "intermediate_size", 8L,
            "num_hidden_layers", 1L, "num_attention_heads", 2L, "head_dim", 4L, "attention_bias", true,
            "mlp_bias", true, "max_position_embeddings", 64L));
  }
}
