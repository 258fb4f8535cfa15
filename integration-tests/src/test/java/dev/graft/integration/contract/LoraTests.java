package dev.graft.integration.contract;

import dev.graft.methods.lora.LoraMethod;
import dev.graft.spi.PeftMethod;
import dev.graft.testkit.MethodContract;
import dev.graft.testkit.MethodSample;
import java.util.List;
import java.util.Map;

class LoraTests extends MethodContract {
  @Override
  protected PeftMethod<?> method() {
    return new LoraMethod();
  }

  @Override
  protected List<MethodSample> samples() {
    return List.of(
        MethodSample.of(Map.of("r", 3L, "lora_alpha", 6L, "target_modules", List.of("q_proj", "v_proj"))),
        MethodSample
            .of(Map.of("r", 2L, "target_modules", "all-linear", "use_rslora", true, "lora_dropout", 0.2,
                "rank_pattern", Map.of("k_proj", 4L), "bias", "all")),
        MethodSample.of(Map.of("r", 2L, "target_modules", List.of("embed_tokens", "down_proj"),
            "modules_to_save", List.of("up_proj"))),
        MethodSample
            .of(Map.of("r", 2L, "target_modules", ".*layers\\.1\\..*_proj", "init_lora_weights", false,
                "modules_to_save", List.of("norm_1")))
            .changingAtStart());
  }
}
