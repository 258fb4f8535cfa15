package dev.graft.data.text;

import dev.graft.data.tokenizer.Tokenizer;
import dev.graft.spi.TextCodec;
import dev.graft.spi.TextCodecProvider;
import java.nio.file.Path;
import org.apiguardian.api.API;

/** Opens {@code tokenizer.json} and the chat template of a model folder. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class HuggingFaceText implements TextCodecProvider {
  @Override
  public String id() {
    return "hugging-face";
  }

  @Override
  public String description() {
    return "text: tokenizer.json, chat templates, and files of data";
  }

  @Override
  public TextCodec open(Path modelFolder) {
    return new HuggingFaceTextCodec(Tokenizer.open(modelFolder));
  }
}
