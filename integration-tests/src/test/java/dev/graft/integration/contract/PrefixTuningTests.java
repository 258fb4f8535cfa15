package dev.graft.integration.contract;

import dev.graft.methods.prefix.PrefixTuningMethod;
import dev.graft.spi.PeftMethod;
import dev.graft.testkit.MethodContract;
import dev.graft.testkit.MethodSample;
import java.util.List;
import java.util.Map;

class PrefixTuningTests extends MethodContract {
  @Override
  protected PeftMethod<?> method() {
    return new PrefixTuningMethod();
  }

  @Override
  protected List<MethodSample> samples() {
    return List.of(
        MethodSample.of(Map.of("num_virtual_tokens", 3L)).changingAtStart().unmergeable(),
        MethodSample
            .of(Map.of("num_virtual_tokens", 2L, "prefix_projection", true, "encoder_hidden_size", 5L))
            .changingAtStart().unmergeable());
  }
}
