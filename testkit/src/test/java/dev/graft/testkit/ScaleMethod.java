package dev.graft.testkit;

import dev.graft.graph.Composite;
import dev.graft.graph.Shape;
import dev.graft.graph.Signature;
import dev.graft.graph.Tensor;
import dev.graft.spi.Adapter;
import dev.graft.spi.Configuration;
import dev.graft.spi.Init;
import dev.graft.spi.LinearAdapter;
import dev.graft.spi.LinearBase;
import dev.graft.spi.ParamSpec;
import dev.graft.spi.Params;
import dev.graft.spi.PeftMethod;
import dev.graft.spi.Setting;
import dev.graft.spi.Site;
import dev.graft.spi.Targets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Scales the results of linear layers, with at most one fault. */
record ScaleMethod(Fault fault) implements PeftMethod<ScaleMethod.Config> {
  enum Fault {
    NONE, LOSES_A_FIELD, STARTS_ELSEWHERE, MERGES_WRONGLY, DOES_NOT_MERGE, NEVER_LEARNS, WRONG_SLOPE, THROWS_AT_JUNK, DETACHED, USELESS_DEFAULTS
  }

  record Config(List<String> targets, double strength) {}

  @Override
  public String id() {
    return "scale";
  }

  @Override
  public String description() {
    return "Scales what layers compute";
  }

  @Override
  public String peftType() {
    return "SCALE";
  }

  @Override
  public List<Setting> settings() {
    Setting strength = Setting.of("strength", "how much");
    return List.of(Setting.of("target_modules", "where").as(Setting.TARGETS),
        fault == Fault.USELESS_DEFAULTS ? strength.startingAt("much") : strength);
  }

  @Override
  public Config read(Configuration json) {
    if (fault == Fault.THROWS_AT_JUNK) {
      return new Config(json.texts("target_modules"), (Double) json.value("strength").orElse(1.0));
    }
    return new Config(json.texts("target_modules"), json.number("strength", 1));
  }

  @Override
  public Map<String, @Nullable Object> write(Config config) {
    return fault == Fault.LOSES_A_FIELD
        ? Map.of("target_modules", config.targets())
        : Map.of("target_modules", config.targets(), "strength", config.strength());
  }

  @Override
  public Targets targets(Config config) {
    return Targets.of(new Targets.Selection.Names(config.targets()));
  }

  @Override
  public Optional<Adapter> adapter(Config config, Site site) {
    return site instanceof Site.Linear linear
        ? Optional.of(new Scaled(linear, config.strength(), fault))
        : Optional.empty();
  }

  private record Scaled(Site.Linear site, double strength, Fault fault) implements LinearAdapter {
    @Override
    public List<ParamSpec> parameters() {
      Init start = fault == Fault.STARTS_ELSEWHERE ? new Init.Constant(0.1) : Init.ZEROS;
      List<ParamSpec> specs = new ArrayList<>();
      specs.add(new ParamSpec("change", Shape.of(site.out()), start, "change"));
      if (fault == Fault.NEVER_LEARNS) {
        specs.add(new ParamSpec("idle", Shape.of(2), Init.ZEROS, "idle"));
      }
      return specs;
    }

    @Override
    public Tensor forward(LinearBase base, Params p, Tensor x) {
      Tensor factor = factor(p);
      Tensor y = base.forward(x);
      return switch (fault) {
        case WRONG_SLOPE -> Tensor.of(new Doubtful(), y.times(factor));
        case DETACHED -> y.times(factor.detach());
        case NONE, LOSES_A_FIELD, STARTS_ELSEWHERE, MERGES_WRONGLY, DOES_NOT_MERGE, NEVER_LEARNS,
            THROWS_AT_JUNK, USELESS_DEFAULTS ->
          y.times(factor);
      };
    }

    private Tensor factor(Params p) {
      return p.get("change").times(strength).plus(1);
    }

    @Override
    public Optional<Merged> merge(LinearBase base, Params p) {
      if (fault == Fault.DOES_NOT_MERGE) {
        return Optional.empty();
      }
      Tensor weight = base.weight().times(factor(p).reshape(site.out(), 1));
      // The fault forgets the bias, as is easily done.
      return Optional.of(new Merged(weight, fault == Fault.MERGES_WRONGLY
          ? Optional.empty()
          : base.bias().map(b -> b.times(factor(p)))));
    }
  }

  /** The identity, whose gradient rule says that it is not. */
  private record Doubtful() implements Composite {
    @Override
    public String name() {
      return "doubtful";
    }

    @Override
    public List<Signature> infer(List<Tensor> inputs) {
      return List.of(inputs.getFirst().signature());
    }

    @Override
    public List<Tensor> decompose(List<Tensor> inputs) {
      return List.of(inputs.getFirst().times(Tensor.scalar(1, inputs.getFirst().dtype())));
    }

    @Override
    public Optional<GradientRule> gradient() {
      return Optional
          .of((_, gradients, _) -> List.of(Optional.of(gradients.getFirst().orElseThrow().times(1.01))));
    }
  }
}
