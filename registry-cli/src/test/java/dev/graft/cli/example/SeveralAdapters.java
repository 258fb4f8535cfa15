package dev.graft.cli.example;

import dev.graft.core.GenerationOptions;
import dev.graft.core.GraftAdapter;
import dev.graft.core.GraftModel;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** The example of several adapters in docs/guide.md. */
public final class SeveralAdapters {
  private SeveralAdapters() {
  }

  // example
  public static List<String> answer(Path folder, Path poemsFolder, Path codeFolder, List<String> questions) {
    try (GraftModel model = GraftModel.open(folder)) {
      GenerationOptions greedy = GenerationOptions.greedy(64);
      GraftAdapter poems = model.load("poems", poemsFolder);
      GraftAdapter code = model.load("code", codeFolder); // is active from now on
      model.answers(questions, greedy);
      poems.activate(); // switches
      model.disableAdapters(); // the base alone; enableAdapters() undoes it
      poems.scale(0.5); // half the effect that it was loaded with
      model.combine("both", "cat", Map.of("poems", 0.7, "code", 0.3)); // or svd, or linear

      // One batch in one program: each question by an adapter of its own, the last by the base.
      List<String> answers = model.answers(List.of("both", "code", GraftModel.BASE), questions, greedy);
      code.close(); // frees its memory
      return answers;
    }
  }
  // end of the example
}
