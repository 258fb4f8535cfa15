package dev.graft.cli;

import dev.graft.data.tokenizer.Tokenizer;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;

/** Opens the tokenizer of a model that is used with adapters, which may have a chat template beside them. */
final class ChatTokenizer {
  private ChatTokenizer() {
  }

  /**
   * Opens the model's tokenizer, or, where the model has no chat template, that of the adapter that has one.
   *
   * @param notes takes a sentence if the template is not the model's
   */
  static Tokenizer open(Path model, List<Path> adapters, Consumer<String> notes) {
    if (Tokenizer.hasChatTemplate(model)) {
      return Tokenizer.open(model);
    }
    List<Path> others = adapters.stream().filter(Tokenizer::hasChatTemplate).toList();
    if (others.size() != 1) {
      if (others.size() > 1) {
        notes.accept(
            "Prompts are taken as they are: " + model + " has no chat template, and there is one beside"
                + " each of " + others + "; to use one, name that adapter alone");
      }
      return Tokenizer.open(model);
    }
    notes.accept(
        "The chat template and tokenizer are those beside the adapter in " + others.getFirst() + ", since "
            + model + " has no chat template");
    return Tokenizer.open(model, others.getFirst());
  }
}
