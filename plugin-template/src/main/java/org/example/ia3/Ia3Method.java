package org.example.ia3;

import dev.graft.error.GraftException;
import dev.graft.spi.Adapter;
import dev.graft.spi.Configuration;
import dev.graft.spi.PeftMethod;
import dev.graft.spi.Setting;
import dev.graft.spi.Site;
import dev.graft.spi.Targets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

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
  public List<Setting> settings() {
    List<Setting> settings = new ArrayList<>(Targets.settings().subList(0, 3));
    settings.add(Setting.of("feedforward_modules", "those of the modules whose operand is scaled, not their result")
        .startingAt(List.of()));
    settings.add(Setting.of("init_ia3_weights", "whether vectors start at 1, which changes nothing; true by default"));
    settings.add(Setting.of("fan_in_fan_out", "kept for other tools; the orientation is taken from the model"));
    return settings;
  }

  @Override
  public Ia3Config read(Configuration configuration) {
    return Ia3Config.read(configuration);
  }

  @Override
  public Map<String, @Nullable Object> write(Ia3Config configuration) {
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
