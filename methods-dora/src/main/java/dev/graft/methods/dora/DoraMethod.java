package dev.graft.methods.dora;

import dev.graft.methods.lora.LoraConfig;
import dev.graft.spi.Adapter;
import dev.graft.spi.Configuration;
import dev.graft.spi.PeftMethod;
import dev.graft.spi.Setting;
import dev.graft.spi.Site;
import dev.graft.spi.Targets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apiguardian.api.API;
import org.jspecify.annotations.Nullable;

/**
 * Changes the direction of frozen weights by LoRA and learns their magnitude apart (Liu et al. 2024, eq. 5).
 * Its settings are LoRA's with {@code use_dora}.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class DoraMethod implements PeftMethod<LoraConfig> {
  private static final String MARK = "use_dora";

  @Override
  public String id() {
    return "dora";
  }

  @Override
  public String description() {
    return "DoRA: LoRA for the direction of each frozen weight, and a trainable magnitude";
  }

  @Override
  public String peftType() {
    return "LORA";
  }

  @Override
  public boolean claims(Configuration configuration) {
    return Boolean.TRUE.equals(configuration.value(MARK).orElse(false));
  }

  @Override
  public Map<String, Object> discriminators() {
    return Map.of(MARK, true);
  }

  @Override
  public List<Setting> settings() {
    return LoraConfig.settings().stream().filter(setting -> !setting.name().equals("lora_bias")).toList();
  }

  @Override
  public LoraConfig read(Configuration configuration) {
    LoraConfig config = LoraConfig.read(configuration);
    if (config.loraBias()) {
      configuration.fault("lora_bias", "has no meaning for DoRA, whose magnitude scales weights alone: leave"
          + " it false");
    }
    return config;
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
      case Site.Linear linear -> Optional.of(DoraLinear.of(configuration, linear));
      case Site.Embedding embedding -> Optional.of(DoraEmbedding.of(configuration, embedding));
      case Site.Attention _,Site.Input _ -> Optional.empty();
    };
  }

  @Override
  public Optional<LoraConfig> scaled(LoraConfig configuration, double factor) {
    return Optional.of(configuration.scaled(factor));
  }
}
