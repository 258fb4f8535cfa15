package dev.graft.data.dataset;

import dev.graft.error.GraftException;
import dev.graft.spi.TokenSample;
import java.util.Arrays;
import java.util.List;
import org.apiguardian.api.API;

/**
 * Holds a sample as tokens.
 *
 * @param ids token ids [tokens]
 * @param labels the id again where it is to be learned, else {@link TokenSample#IGNORED}: [tokens]
 * @param notes what of the sample is not learned as it stands in the data; they do not count for equality
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record EncodedSample(long[] ids, long[] labels, List<EncodingNote> notes) implements TokenSample {
  /** Checks the sizes and copies the notes. */
  public EncodedSample {
    if (ids.length != labels.length) {
      throw new GraftException(
          "A sample of " + ids.length + " tokens cannot have " + labels.length + " labels");
    }
    notes = List.copyOf(notes);
  }

  /** Holds a sample that is learned as it stands in the data. */
  public EncodedSample(long[] ids, long[] labels) {
    this(ids, labels, List.of());
  }

  EncodedSample with(List<EncodingNote> more) {
    return new EncodedSample(ids, labels, more);
  }

  /** Joins a prompt, which is not learned, and what is learned. */
  static EncodedSample of(long[] prompt, long[] learned) {
    long[] ids = Arrays.copyOf(prompt, prompt.length + learned.length);
    System.arraycopy(learned, 0, ids, prompt.length, learned.length);
    long[] labels = ids.clone();
    Arrays.fill(labels, 0, prompt.length, IGNORED);
    return new EncodedSample(ids, labels);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof EncodedSample sample && Arrays.equals(ids, sample.ids)
        && Arrays.equals(labels, sample.labels);
  }

  @Override
  public int hashCode() {
    return 31 * Arrays.hashCode(ids) + Arrays.hashCode(labels);
  }

  @Override
  public String toString() {
    return "EncodedSample[ids=" + Arrays.toString(ids) + ", labels=" + Arrays.toString(labels) + "]";
  }
}
