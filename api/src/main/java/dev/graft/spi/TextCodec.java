package dev.graft.spi;

import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.apiguardian.api.API;

/**
 * Turns text into tokens and back as a model's tokenizer and chat template say, and files of data into samples.
 * Many threads may use it at once.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public interface TextCodec extends TextTokens, AutoCloseable {
  /** Returns the ids of a user's message up to where the answer begins, by the chat template if there is one. */
  long[] prompt(String message);

  /** Returns the text of tokens, without the special ones. */
  String decode(long[] ids);

  /** Returns the ids that end an answer. */
  Set<Long> stopIds();

  /** Returns the id of the token that fills rows up. */
  long paddingId();

  /**
   * Reads files of data, and tells what of each sample is to be learned: what the assistant says.
   *
   * @param files JSON lines, JSON or CSV, compressed or not; the fields tell the form
   * @param maxLength the most tokens of a sample; longer ones are cut at their end
   * @param notes takes a sentence for each kind of loss, such as words that the chat template drops
   * @throws dev.graft.error.GraftException if a file or a row is faulty; names file and line
   */
  List<? extends TokenSample> samples(List<Path> files, int maxLength, Consumer<String> notes);

  @Override
  void close();
}
