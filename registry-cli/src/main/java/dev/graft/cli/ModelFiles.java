package dev.graft.cli;

import dev.graft.core.GraftModel;
import dev.graft.core.ModelOptions;
import dev.graft.core.PluginCatalog;
import dev.graft.core.weights.BaseModel;
import dev.graft.core.weights.LoadedModel;
import dev.graft.data.dataset.SampleEncoder;
import dev.graft.data.tokenizer.Tokenizer;
import dev.graft.error.GraftException;
import java.nio.file.Path;

/**
 * The open files of a model and its tokenizer, no weight of which has been read: what a run takes can be foreseen
 * before the model itself is made of them.
 */
final class ModelFiles implements AutoCloseable {
  private final Tokenizer tokenizer;
  private final LoadedModel files;
  private final PluginCatalog plugins;
  private boolean given;

  private ModelFiles(Tokenizer tokenizer, LoadedModel files, PluginCatalog plugins) {
    this.tokenizer = tokenizer;
    this.files = files;
    this.plugins = plugins;
  }

  static ModelFiles open(Path folder, PluginCatalog plugins) {
    // The tokenizer first: it is small, so a fault in it is told at once.
    return open(Tokenizer.open(folder), folder, plugins);
  }

  /** Opens a model's files beside a tokenizer that is closed with them, or if this fails. */
  static ModelFiles open(Tokenizer tokenizer, Path folder, PluginCatalog plugins) {
    try {
      return new ModelFiles(tokenizer, LoadedModel.open(folder, plugins), plugins);
    } catch (RuntimeException | Error e) {
      tokenizer.close();
      throw e;
    }
  }

  Tokenizer tokenizer() {
    return tokenizer;
  }

  LoadedModel files() {
    return files;
  }

  /** Returns an encoder of samples of at most so many tokens, which the model must have positions for. */
  SampleEncoder encoder(int maxLength, boolean raw) {
    return encoder(tokenizer, files.base(), maxLength, raw);
  }

  static SampleEncoder encoder(Tokenizer tokenizer, BaseModel base, int maxLength, boolean raw) {
    long positions = base.model().maxPositions();
    if (maxLength > positions) {
      throw new GraftException("A length of " + maxLength + " tokens is more than the model's " + positions
          + " positions: lower --max-length");
    }
    return new SampleEncoder(tokenizer, maxLength, !raw);
  }

  /** Makes the model, which from then on owns the files; to be called once. */
  TextModel model(ModelOptions options) {
    TextModel model = TextModel.of(GraftModel.of(files, options, plugins), tokenizer);
    given = true;
    return model;
  }

  /** Closes the files unless a model was made of them. */
  @Override
  public void close() {
    if (!given) {
      files.close();
      tokenizer.close();
    }
  }
}
