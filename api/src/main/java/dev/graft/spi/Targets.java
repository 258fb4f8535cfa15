package dev.graft.spi;

import java.util.List;
import java.util.Optional;
import org.apiguardian.api.API;

/**
 * States where a method acts and which base parameters learn with it, by the rules of Hugging Face PEFT.
 *
 * @param selection which sites
 * @param exclude sites to leave out although selected
 * @param layers indices of the layers to act in; empty for all
 * @param layersPattern names of the module lists that hold the layers, such as {@code layers} or {@code h};
 * empty for any
 * @param modulesToSave endings of module names whose base parameters learn as a whole
 * @param bias which base biases learn
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record Targets(Selection selection, Optional<Selection> exclude, List<Integer> layers,
    List<String> layersPattern, List<String> modulesToSave, Bias bias) {
  /** Copies the lists. */
  public Targets {
    layers = List.copyOf(layers);
    layersPattern = List.copyOf(layersPattern);
    modulesToSave = List.copyOf(modulesToSave);
  }

  /** Selects sites and nothing else. */
  public static Targets of(Selection selection) {
    return new Targets(selection, Optional.empty(), List.of(), List.of(), List.of(), Bias.NONE);
  }

  /** Chooses among the base biases. */
  public enum Bias {
    /** No bias learns. */
    NONE,
    /** Every bias of the model learns. */
    ALL,
    /** The biases of the adapted layers learn. */
    ADAPTED_ONLY
  }

  /** Chooses among the sites. */
  public sealed interface Selection {
    /**
     * Linear layers and embeddings whose name is an entry or ends with a dot and an entry. Every entry must
     * hit.
     *
     * @param entries names or endings of names
     */
    record Names(List<String> entries) implements Selection {
      /** Copies the entries. */
      public Names {
        entries = List.copyOf(entries);
      }
    }

    /**
     * Linear layers and embeddings whose whole name matches.
     *
     * @param regex a regular expression
     */
    record Pattern(String regex) implements Selection {}

    /** Every linear layer but the head. */
    record AllLinear() implements Selection {}

    /** Every attention layer. */
    record AllAttention() implements Selection {}

    /** The sequence that enters the model. */
    record ModelInput() implements Selection {}
  }
}
