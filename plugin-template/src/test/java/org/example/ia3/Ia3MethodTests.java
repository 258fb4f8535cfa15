package org.example.ia3;

import dev.graft.spi.PeftMethod;
import dev.graft.testkit.MethodContract;
import dev.graft.testkit.MethodSample;
import java.util.List;
import java.util.Map;

class Ia3MethodTests extends MethodContract {
  @Override
  protected PeftMethod<?> method() {
    return new Ia3Method();
  }

  @Override
  protected List<MethodSample> samples() {
    return List.of(
        MethodSample.of(Map.of("target_modules", List.of("k_proj", "v_proj", "down_proj"), "feedforward_modules",
            List.of("down_proj"))),
        MethodSample.of(Map.of("target_modules", ".*\\.[qv]_proj", "feedforward_modules", List.of(),
            "modules_to_save", List.of("model.norm"))),
        MethodSample.of(Map.of("target_modules", "all-linear", "feedforward_modules", ".*up_proj",
            "exclude_modules", List.of("o_proj"), "init_ia3_weights", false)).changingAtStart());
  }
}
