package dev.graft.spi;

import dev.graft.graph.Shape;
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
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record ParamSpec(String name, Shape shape, Init init, String key, boolean trainable) {
  /** Declares a trainable parameter. */
  public ParamSpec(String name, Shape shape, Init init, String key) {
    this(name, shape, init, key, true);
  }
}
