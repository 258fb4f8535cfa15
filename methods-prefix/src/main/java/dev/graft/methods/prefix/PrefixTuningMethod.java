package dev.graft.methods.prefix;

import dev.graft.graph.Tensor;
import dev.graft.spi.Adapter;
import dev.graft.spi.Configuration;
import dev.graft.spi.ModelOutline;
import dev.graft.spi.ParamSpec;
import dev.graft.spi.Params;
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
 * Puts trainable keys and values before every sequence, in every attention layer (Li and Liang 2021).
 *
 * <p>
 * With {@code prefix_projection} the table is trained as the result of a small network (section 4.3 there).
 * As Hugging Face PEFT does, only the result is stored in {@code adapter_model.safetensors}; the network is
 * kept beside it so that training can go on.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class PrefixTuningMethod implements PeftMethod<PrefixConfig> {
  @Override
  public String id() {
    return "prefix-tuning";
  }

  @Override
  public String description() {
    return "prefix-tuning: trainable keys and values before every sequence, in every layer";
  }

  @Override
  public String peftType() {
    return "PREFIX_TUNING";
  }

  @Override
  public List<Setting> settings() {
    return List.of(
        Setting
            .of("num_virtual_tokens",
                "keys and values that every layer puts before a sequence; 20 by default")
            .startingAt(20L),
        Setting.of("prefix_projection", "whether the prefix is trained as the result of a small network"),
        Setting.of("encoder_hidden_size",
            "the width of that network; the length of a layer's keys by default"),
        Setting.of("init_weights", "null for random numbers, or \"zero\""));
  }

  @Override
  public PrefixConfig read(Configuration configuration) {
    return PrefixConfig.read(configuration);
  }

  @Override
  public PrefixConfig resolved(PrefixConfig configuration, ModelOutline outline) {
    return configuration.resolved(outline);
  }

  @Override
  public Map<String, @Nullable Object> write(PrefixConfig configuration) {
    return configuration.write();
  }

  @Override
  public Targets targets(PrefixConfig configuration) {
    return Targets.of(new Targets.Selection.AllAttention());
  }

  @Override
  public Optional<Adapter> adapter(PrefixConfig configuration, Site site) {
    return site instanceof Site.Attention attention
        ? Optional.of(new PrefixAttention(configuration, attention))
        : Optional.empty();
  }

  @Override
  public List<ParamSpec> shared(PrefixConfig configuration, ModelOutline outline, List<Site> selected) {
    return new PrefixTable(configuration).parameters();
  }

  @Override
  public int virtualTokens(PrefixConfig configuration) {
    return configuration.virtualTokens();
  }

  @Override
  public Optional<Export> export(PrefixConfig configuration, Params p) {
    if (!configuration.projects()) {
      return Optional.empty();
    }
    PrefixTable table = new PrefixTable(configuration);
    Tensor result = table.full(p);
    return Optional.of(new Export(Map.of(PrefixTable.KEY, result),
        table.parameters().stream().map(ParamSpec::name).toList()));
  }

  @Override
  public PrefixConfig forInference(PrefixConfig configuration) {
    return configuration.fold();
  }
}
