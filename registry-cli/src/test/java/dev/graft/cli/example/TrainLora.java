package dev.graft.cli.example;

import dev.graft.core.GenerationOptions;
import dev.graft.core.GraftAdapter;
import dev.graft.core.GraftModel;
import dev.graft.core.TrainingOptions;
import java.nio.file.Path;
import java.util.Map;

/** The example of README.md. */
public final class TrainLora {
  private TrainLora() {
  }

  // example
  public static String train(Path folder, Path data, long steps, String question, Path out) {
    try (GraftModel model = GraftModel.open(folder)) {
      GraftAdapter lora = model.attach("lora", Map.of("r", 8, "lora_alpha", 16));
      lora.train(TrainingOptions.of(steps, 2e-3), model.batches(data, 16),
          step -> System.out.println(step.loss()));
      lora.save(out);
      return lora.answer(question, GenerationOptions.greedy(64));
    }
  }
  // end of the example
}
