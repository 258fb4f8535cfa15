package dev.graft.spi;

import dev.graft.graph.Shape;
import java.util.ArrayList;
import java.util.List;
import org.apiguardian.api.API;

/**
 * Declares a parameter that a method adds.
 *
 * @param name how formulas ask for it, such as {@code lora_A}
 * @param shape lengths of its axes
 * @param init how it starts
 * @param key its key in the adapter file: for a parameter of a site, what follows the module's name and a dot,
 * such as {@code lora_A.weight}; for a shared one, the whole key
 * @param trainable whether it learns; a frozen one is stored and checked but gets no gradient
 * @param stored whether the adapter file holds it; one that is not stored has its start again wherever the
 * adapter is loaded, unless a file holds it all the same
 * @param aliases whole keys under which the adapter file holds it once more: all are written, any one is
 * enough to read it, and values that differ are refused
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record ParamSpec(String name, Shape shape, Init init, String key, boolean trainable, boolean stored,
    List<String> aliases) {
  /**
   * Checks that a parameter that is not stored can be had without a file, and copies the list.
   *
   * @throws IllegalArgumentException if it cannot
   */
  public ParamSpec {
    aliases = List.copyOf(aliases);
    if (!stored && (trainable || !init.repeatable())) {
      throw new IllegalArgumentException(
          "parameter " + name + " is not stored, so it must be frozen and start"
              + " at a constant, at given values, or at numbers drawn from a seed of the configuration");
    }
  }

  /** Declares a trainable parameter. */
  public ParamSpec(String name, Shape shape, Init init, String key) {
    this(name, shape, init, key, true, true, List.of());
  }

  /** Returns the same parameter, which does not learn. */
  public ParamSpec frozen() {
    return new ParamSpec(name, shape, init, key, false, stored, aliases);
  }

  /**
   * Returns the same parameter, which does not learn and which the adapter file does not hold.
   *
   * @throws IllegalArgumentException if its start depends on the run or on the base model
   */
  public ParamSpec notStored() {
    return new ParamSpec(name, shape, init, key, false, false, aliases);
  }

  /** Returns the same parameter, which the adapter file holds under one more key, given as a whole. */
  public ParamSpec alias(String wholeKey) {
    List<String> all = new ArrayList<>(aliases);
    all.add(wholeKey);
    return new ParamSpec(name, shape, init, key, trainable, stored, all);
  }
}
