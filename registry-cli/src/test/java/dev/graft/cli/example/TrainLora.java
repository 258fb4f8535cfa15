package dev.graft.cli.example;

import dev.graft.core.BatchSource;
import dev.graft.core.GenerationOptions;
import dev.graft.core.GraftAdapter;
import dev.graft.core.GraftModel;
import dev.graft.core.TrainingOptions;
import dev.graft.data.batch.BucketedBatches;
import dev.graft.data.dataset.DataFormat;
import dev.graft.data.dataset.DataSet;
import dev.graft.data.dataset.EncodedSample;
import dev.graft.data.dataset.SampleEncoder;
import dev.graft.data.tokenizer.Tokenizer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** The example of README.md. */
public final class TrainLora {
  private TrainLora() {
  }

  // example
  public static String train(Path folder, Path data, long steps, String question, Path out) {
    try (Tokenizer tokenizer = Tokenizer.open(folder); GraftModel model = GraftModel.open(folder)) {
      SampleEncoder encoder = new SampleEncoder(tokenizer, 256, true);
      List<EncodedSample> samples = encoder.encodeAll(DataSet.read(data, DataFormat.AUTO));
      BatchSource batches = BucketedBatches.of(samples, 16, tokenizer.paddingId(), 0);

      GraftAdapter lora = model.attach("lora", Map.of("r", 8, "lora_alpha", 16));
      lora.train(TrainingOptions.of(steps, 2e-3), batches, step -> System.out.println(step.loss()));
      lora.save(out);

      GenerationOptions greedy = GenerationOptions.greedy(64, tokenizer.stopIds(), tokenizer.paddingId());
      long[] answer = lora.generate(List.of(encoder.prompt(question)), greedy).getFirst();
      return tokenizer.decode(answer, true);
    }
  }
  // end of the example
}
