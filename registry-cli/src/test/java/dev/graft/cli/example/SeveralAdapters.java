package dev.graft.cli.example;

import dev.graft.core.GenerationOptions;
import dev.graft.core.GraftModel;
import dev.graft.core.adapters.AdapterSet;
import dev.graft.data.dataset.SampleEncoder;
import dev.graft.data.tokenizer.Tokenizer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** The example of several adapters in docs/guide.md. */
public final class SeveralAdapters {
  private SeveralAdapters() {
  }

  // example
  public static List<String> answer(Path folder, Path poems, Path code, List<String> questions) {
    try (Tokenizer tokenizer = Tokenizer.open(folder); GraftModel model = GraftModel.open(folder)) {
      SampleEncoder encoder = new SampleEncoder(tokenizer, 256, true);
      List<long[]> prompts = questions.stream().map(encoder::prompt).toList();
      GenerationOptions greedy = GenerationOptions.greedy(64, tokenizer.stopIds(), tokenizer.paddingId());

      AdapterSet adapters = model.adapters();
      adapters.load("poems", poems);
      adapters.load("code", code);
      adapters.activate("poems"); // every row uses it from now on
      model.generate(adapters.rows(prompts.size()), prompts, greedy);
      adapters.activate("code"); // switches
      adapters.disable(); // the base alone; enable() undoes it
      adapters.scale("poems", 0.5); // half the effect that it was loaded with
      adapters.combine("both", "cat", Map.of("poems", 0.7, "code", 0.3)); // or svd, or linear

      // One batch in one program: each row by an adapter of its own, the last by the base.
      List<String> rows = List.of("both", "code", AdapterSet.BASE);
      List<long[]> answers = model.generate(adapters.rows(rows), prompts, greedy);
      adapters.delete("code"); // frees its memory
      return answers.stream().map(answer -> tokenizer.decode(answer, true)).toList();
    }
  }
  // end of the example
}
