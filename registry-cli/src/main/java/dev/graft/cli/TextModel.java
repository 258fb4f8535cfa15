package dev.graft.cli;

import dev.graft.core.GenerationOptions;
import dev.graft.core.GraftAdapter;
import dev.graft.core.GraftModel;
import dev.graft.core.ModelOptions;
import dev.graft.core.TokenListener;
import dev.graft.core.PluginCatalog;
import dev.graft.data.dataset.SampleEncoder;
import dev.graft.data.tokenizer.Tokenizer;
import dev.graft.error.GraftException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** An open model with its tokenizer: texts in, texts out. */
final class TextModel implements AutoCloseable {
  private final GraftModel model;
  private final Tokenizer tokenizer;

  private TextModel(GraftModel model, Tokenizer tokenizer) {
    this.model = model;
    this.tokenizer = tokenizer;
  }

  static TextModel open(Path folder, ModelOptions options, PluginCatalog plugins) {
    try (ModelFiles files = ModelFiles.open(folder, plugins)) {
      return files.model(options);
    }
  }

  /** Takes what is open, and closes it at the end. */
  static TextModel of(GraftModel model, Tokenizer tokenizer) {
    return new TextModel(model, tokenizer);
  }

  GraftModel model() {
    return model;
  }

  Tokenizer tokenizer() {
    return tokenizer;
  }

  /** Returns an encoder of samples of at most so many tokens, which the model must have positions for. */
  SampleEncoder encoder(int maxLength, boolean raw) {
    return ModelFiles.encoder(tokenizer, model.base(), maxLength, raw);
  }

  /** Returns options that always take the likeliest token. */
  GenerationOptions greedy(int maxNewTokens) {
    return GenerationOptions.greedy(maxNewTokens, tokenizer.stopIds(), tokenizer.paddingId());
  }

  /** Answers prompts by an adapter, or by the model alone. */
  List<long[]> generate(Optional<GraftAdapter> adapter, List<long[]> prompts, GenerationOptions options,
      TokenListener listener) {
    String name = adapter.map(GraftAdapter::name).orElse(GraftModel.BASE);
    return model.generate(prompts.stream().map(_ -> name).toList(), prompts, options, listener);
  }

  /** Answers all prompts in one batch. */
  List<String> answer(Optional<GraftAdapter> adapter, List<long[]> prompts, GenerationOptions options) {
    return generate(adapter, prompts, options, (_, _) -> {
    }).stream().map(ids -> tokenizer.decode(ids, true).strip()).toList();
  }

  @Override
  public void close() {
    model.close();
    tokenizer.close();
  }
}
