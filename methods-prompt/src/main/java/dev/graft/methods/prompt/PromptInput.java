package dev.graft.methods.prompt;

import dev.graft.error.GraftException;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import dev.graft.spi.EmbeddingBase;
import dev.graft.spi.InputAdapter;
import dev.graft.spi.ParamSpec;
import dev.graft.spi.Params;
import dev.graft.spi.TextTokens;
import java.util.Arrays;
import java.util.List;

/**
 * Gives the sequence its trainable embeddings.
 *
 * @param config the settings
 */
record PromptInput(PromptConfig config) implements InputAdapter {
  @Override
  public List<ParamSpec> parameters() {
    return List.of();
  }

  @Override
  public Tensor embeddings(Params p) {
    return p.get(PromptTuningMethod.KEY);
  }

  /** Builds the embeddings of the text's tokens, repeated or cut to the length of the prompt. */
  @Override
  public Tensor initial(String parameter, EmbeddingBase table, TextTokens tokens) {
    long[] ids = tokens.ids(config.text().orElseThrow());
    if (ids.length == 0) {
      throw new GraftException("prompt_tuning_init_text: the tokenizer finds no token in \""
          + config.text().orElseThrow() + "\"");
    }
    long[] filled = new long[config.virtualTokens()];
    Arrays.setAll(filled, i -> ids[i % ids.length]);
    return table.weight().gather(0, Tensor.constant(HostTensor.ofLongs(Shape.of(filled.length), filled)));
  }
}
