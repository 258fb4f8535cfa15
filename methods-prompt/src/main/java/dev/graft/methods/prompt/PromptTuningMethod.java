package dev.graft.methods.prompt;

import dev.graft.graph.Shape;
import dev.graft.spi.Adapter;
import dev.graft.spi.Configuration;
import dev.graft.spi.Init;
import dev.graft.spi.ModelOutline;
import dev.graft.spi.ParamSpec;
import dev.graft.spi.PeftMethod;
import dev.graft.spi.Setting;
import dev.graft.spi.Site;
import dev.graft.spi.Targets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apiguardian.api.API;
import org.jspecify.annotations.Nullable;

/** Puts trainable embeddings before every sequence (Lester et al. 2021). */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class PromptTuningMethod implements PeftMethod<PromptConfig> {
  static final String KEY = "prompt_embeddings";

  @Override
  public String id() {
    return "prompt-tuning";
  }

  @Override
  public String description() {
    return "prompt tuning: trainable embeddings before every sequence";
  }

  @Override
  public String peftType() {
    return "PROMPT_TUNING";
  }

  @Override
  public List<Setting> settings() {
    return List.of(
        Setting.of("num_virtual_tokens", "embeddings before every sequence; 20 by default").startingAt(20L),
        Setting.of("prompt_tuning_init", "how they start: RANDOM, or TEXT for the embeddings of a text"),
        Setting.of("prompt_tuning_init_text", "that text"),
        Setting.of("tokenizer_name_or_path",
            "the base model's name, which Hugging Face PEFT asks for with TEXT"),
        Setting.of("tokenizer_kwargs", "options of that tokenizer, kept for Hugging Face PEFT"));
  }

  @Override
  public PromptConfig read(Configuration configuration) {
    return PromptConfig.read(configuration);
  }

  @Override
  public PromptConfig resolved(PromptConfig configuration, ModelOutline outline) {
    return configuration.resolved(outline);
  }

  @Override
  public Map<String, @Nullable Object> write(PromptConfig configuration) {
    return configuration.write();
  }

  @Override
  public Targets targets(PromptConfig configuration) {
    return Targets.of(new Targets.Selection.ModelInput());
  }

  @Override
  public Optional<Adapter> adapter(PromptConfig configuration, Site site) {
    return site instanceof Site.Input ? Optional.of(new PromptInput(configuration)) : Optional.empty();
  }

  @Override
  public List<ParamSpec> shared(PromptConfig configuration, ModelOutline outline, List<Site> selected) {
    // PyTorch's embeddings start so, too.
    Init start = configuration.text().isPresent() ? new Init.Derived() : new Init.Normal(1);
    return List.of(new ParamSpec(KEY,
        Shape.of(configuration.virtualTokens(), configuration.tokenDim().orElseThrow()), start, KEY));
  }

  @Override
  public int virtualTokens(PromptConfig configuration) {
    return configuration.virtualTokens();
  }
}
