package dev.graft.integration.contract;

import dev.graft.models.Gpt2Family;
import dev.graft.spi.ModelFamily;
import dev.graft.testkit.ModelFamilyContract;
import java.util.List;
import java.util.Map;

class Gpt2Tests extends ModelFamilyContract {
  @Override
  protected ModelFamily family() {
    return new Gpt2Family();
  }

  @Override
  protected List<Map<String, Object>> configurations() {
    return List.of(
        Map.of("model_type", "gpt2", "vocab_size", 19L, "n_embd", 16L, "n_head", 4L, "n_layer", 2L,
            "n_positions", 32L),
        Map.of("model_type", "gpt2", "vocab_size", 11L, "n_embd", 12L, "n_head", 2L, "n_layer", 2L,
            "n_positions", 32L, "n_inner", 8L, "scale_attn_by_inverse_layer_idx", true, "tie_word_embeddings",
            false));
  }
}
