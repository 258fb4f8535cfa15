package dev.graft.cli.example;

import dev.graft.core.GraftAdapter;
import dev.graft.core.GraftModel;
import java.util.List;
import java.util.Map;

/** The example of all methods in docs/guide.md. */
public final class Methods {
  private Methods() {
  }

  // example
  public static GraftAdapter attach(GraftModel model, String method) {
    List<String> targets = List.of("q_proj", "v_proj");
    return switch (method) {
      case "LoRA", "QLoRA" -> // QLoRA is LoRA on a model that was opened from a folder in 4 bits
        model.attach("lora", Map.of("r", 8, "lora_alpha", 16, "target_modules", targets));
      case "DoRA" -> model.attach("dora", Map.of("r", 8, "lora_alpha", 16, "target_modules", targets));
      case "prefix-tuning" -> model.attach("prefix-tuning", Map.of("num_virtual_tokens", 20));
      case "prompt tuning" -> model.attach("prompt-tuning", Map.of("num_virtual_tokens", 20));
      case "IA3" -> model.attach("ia3", Map.of("target_modules", List.of("k_proj", "v_proj", "down_proj"),
          "feedforward_modules", List.of("down_proj")));
      default -> throw new IllegalArgumentException("no method " + method);
    };
  }
  // end of the example
}
