package dev.graft.methods.lora;

import dev.graft.spi.Adapter;
import dev.graft.spi.Configuration;
import dev.graft.spi.PeftMethod;
import dev.graft.spi.Setting;
import dev.graft.spi.Site;
import dev.graft.spi.Targets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.apiguardian.api.API;
import org.jspecify.annotations.Nullable;

/** Adds a product of two thin matrices to frozen weights (Hu et al. 2021, eq. 3). */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class LoraMethod implements PeftMethod<LoraConfig> {
  @Override
  public String id() {
    return "lora";
  }

  @Override
  public String description() {
    return "LoRA: a trainable product of two thin matrices beside each frozen weight";
  }

  @Override
  public String peftType() {
    return "LORA";
  }

  @Override
  public boolean claims(Configuration configuration) {
    return !Boolean.TRUE.equals(configuration.value("use_dora").orElse(false));
  }

  @Override
  public List<Setting> settings() {
    return LoraConfig.settings();
  }

  @Override
  public LoraConfig read(Configuration configuration) {
    return LoraConfig.read(configuration);
  }

  @Override
  public Map<String, @Nullable Object> write(LoraConfig configuration) {
    return configuration.write();
  }

  @Override
  public Targets targets(LoraConfig configuration) {
    return configuration.targets();
  }

  @Override
  public Optional<Adapter> adapter(LoraConfig configuration, Site site) {
    return switch (site) {
      case Site.Linear linear -> Optional.of(new LoraLinear(configuration, linear));
      case Site.Embedding embedding -> Optional.of(new LoraEmbedding(configuration, embedding));
      case Site.Attention _,Site.Input _ -> Optional.empty();
    };
  }

  /** What VeLoRA and MonteCLoRA keep of their training; their adapters compute as plain LoRA does. */
  @Override
  public boolean ignores(String key) {
    return key.contains(".lora_velora_") || key.contains(".lora_monteclora_");
  }

  @Override
  public Optional<LoraConfig> scaled(LoraConfig configuration, double factor) {
    return Optional.of(configuration.scaled(factor));
  }

  @Override
  public Set<String> combinations() {
    return Arrays.stream(LoraCombination.Way.values()).map(LoraCombination.Way::id)
        .collect(Collectors.toUnmodifiableSet());
  }

  @Override
  public Combined<LoraConfig> combine(String way, List<Part<LoraConfig>> parts, Configuration options) {
    return new LoraCombination(way, parts, options).combine();
  }
}
