package dev.graft.cli;

import dev.graft.core.GenerationOptions;
import dev.graft.core.GraftAdapter;
import dev.graft.core.GraftModel;
import dev.graft.core.ModelOptions;
import dev.graft.core.PluginCatalog;
import dev.graft.core.generate.Generator;
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
    // The tokenizer first: it is small, so a fault in it is told at once.
    Tokenizer tokenizer = Tokenizer.open(folder);
    try {
      return new TextModel(GraftModel.open(folder, options, plugins), tokenizer);
    } catch (RuntimeException e) {
      tokenizer.close();
      throw e;
    }
  }

  GraftModel model() {
    return model;
  }

  Tokenizer tokenizer() {
    return tokenizer;
  }

  /** Returns an encoder of samples of at most so many tokens, which the model must have positions for. */
  SampleEncoder encoder(int maxLength, boolean raw) {
    long positions = model.base().model().maxPositions();
    if (maxLength > positions) {
      throw new GraftException("A length of " + maxLength + " tokens is more than the model's " + positions
          + " positions: lower --max-length");
    }
    return new SampleEncoder(tokenizer, maxLength, !raw);
  }

  /** Returns options that always take the likeliest token. */
  GenerationOptions greedy(int maxNewTokens) {
    return GenerationOptions.greedy(maxNewTokens, tokenizer.stopIds(), tokenizer.paddingId());
  }

  /** Answers prompts by an adapter, or by the model alone. */
  List<long[]> generate(Optional<GraftAdapter> adapter, List<long[]> prompts, GenerationOptions options,
      Generator.TokenListener listener) {
    return adapter.isPresent()
        ? adapter.get().generate(prompts, options, listener)
        : model.generate(prompts, options, listener);
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
