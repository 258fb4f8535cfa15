package dev.graft.integration.contract;

import dev.graft.methods.dora.DoraMethod;
import dev.graft.spi.PeftMethod;
import dev.graft.testkit.MethodContract;
import dev.graft.testkit.MethodSample;
import java.util.List;
import java.util.Map;

class DoraTests extends MethodContract {
  @Override
  protected PeftMethod<?> method() {
    return new DoraMethod();
  }

  @Override
  protected List<MethodSample> samples() {
    return List.of(
        MethodSample.of(Map.of("r", 3L, "lora_alpha", 6L, "target_modules", List.of("q_proj", "down_proj"))),
        MethodSample
            .of(Map.of("r", 2L, "target_modules", "all-linear", "use_rslora", true, "lora_dropout", 0.2)),
        MethodSample.of(Map.of("r", 2L, "target_modules", List.of("embed_tokens", "v_proj"))));
  }
}
