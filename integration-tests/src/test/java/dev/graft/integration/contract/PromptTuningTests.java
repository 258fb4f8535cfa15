package dev.graft.integration.contract;

import dev.graft.methods.prompt.PromptTuningMethod;
import dev.graft.spi.PeftMethod;
import dev.graft.testkit.MethodContract;
import dev.graft.testkit.MethodSample;
import java.util.List;
import java.util.Map;

class PromptTuningTests extends MethodContract {
  @Override
  protected PeftMethod<?> method() {
    return new PromptTuningMethod();
  }

  @Override
  protected List<MethodSample> samples() {
    return List.of(
        MethodSample.of(Map.of("num_virtual_tokens", 3L)).changingAtStart().unmergeable());
  }
}
