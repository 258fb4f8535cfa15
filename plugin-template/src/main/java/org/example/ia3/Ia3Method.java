package org.example.ia3;

import dev.graft.error.GraftException;
import dev.graft.spi.Adapter;
import dev.graft.spi.Configuration;
import dev.graft.spi.PeftMethod;
import dev.graft.spi.Site;
import dev.graft.spi.Targets;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Scales the results or the operands of frozen layers by trainable vectors (Liu et al. 2022, section 3.3). */
public final class Ia3Method implements PeftMethod<Ia3Config> {
  /** Creates the method. */
  public Ia3Method() {
  }

  @Override
  public String id() {
    return "ia3";
  }

  @Override
  public String description() {
    return "IA3: a trainable vector that scales what each adapted layer computes";
  }

  @Override
  public String peftType() {
    return "IA3";
  }

  @Override
  public Map<String, Object> defaults() {
    return Map.of("feedforward_modules", List.of());
  }

  @Override
  public Ia3Config read(Configuration configuration) {
    return Ia3Config.read(configuration);
  }

  @Override
  public Map<String, Object> write(Ia3Config configuration) {
    return configuration.write();
  }

  @Override
  public Targets targets(Ia3Config configuration) {
    return configuration.targets();
  }

  @Override
  public Optional<Adapter> adapter(Ia3Config configuration, Site site) {
    return switch (site) {
      case Site.Linear linear -> Optional.of(new Ia3Linear(linear, configuration.feedforward(linear.name()),
          configuration.startsAtOne()));
      case Site.Embedding embedding -> throw new GraftException("target_modules: " + embedding.name()
          + " is a table of embeddings, and IA3 adapts linear layers alone. Take it out of target_modules");
      case Site.Attention _, Site.Input _ -> Optional.empty();
    };
  }
}
