package dev.graft.spi;

import java.util.Optional;
import org.apiguardian.api.API;

/**
 * Describes an entry of {@code adapter_config.json} that users choose for a new adapter.
 *
 * @param name its name there, such as {@code lora_alpha}
 * @param description one line for help texts: what it is, and what happens without it
 * @param shortName a name that methods share, such as {@code alpha}, under which commands offer it too
 * @param start what a new adapter gets where its user says nothing, for entries that a method cannot do
 * without; a stored adapter is read without it
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record Setting(String name, String description, Optional<String> shortName, Optional<Object> start) {
  /** Short name of the rank of low-rank factors. */
  public static final String RANK = "rank";
  /** Short name of the number that scales what the adapter adds. */
  public static final String ALPHA = "alpha";
  /** Short name of the probability with which elements are dropped in training. */
  public static final String DROPOUT = "dropout";
  /** Short name of the modules to adapt. */
  public static final String TARGETS = "targets";

  /** Describes an entry without a short name that may be absent. */
  public static Setting of(String name, String description) {
    return new Setting(name, description, Optional.empty(), Optional.empty());
  }

  /** Returns the same entry with a short name. */
  public Setting as(String shortName) {
    return new Setting(name, description, Optional.of(shortName), start);
  }

  /** Returns the same entry with a start. */
  public Setting startingAt(Object value) {
    return new Setting(name, description, shortName, Optional.of(value));
  }
}
