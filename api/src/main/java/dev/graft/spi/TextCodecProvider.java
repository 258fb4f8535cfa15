package dev.graft.spi;

import java.nio.file.Path;
import org.apiguardian.api.API;

/** Opens what a model folder says about text. Programs that hand in tokens themselves need none. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public interface TextCodecProvider extends Plugin {
  /**
   * Opens the tokenizer and the chat template of a model folder.
   *
   * @throws dev.graft.error.GraftException if a file is missing or faulty; names it
   */
  TextCodec open(Path modelFolder);
}
