package dev.graft.testkit;

import dev.graft.graph.Tensor;
import dev.graft.spi.Adapter;
import dev.graft.spi.Configuration;
import dev.graft.spi.LinearAdapter;
import dev.graft.spi.LinearBase;
import dev.graft.spi.ParamSpec;
import dev.graft.spi.Params;
import dev.graft.spi.PeftMethod;
import dev.graft.spi.Setting;
import dev.graft.spi.Site;
import dev.graft.spi.Targets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Scales the results of linear layers by 1 + change; subclasses add what they are to show. */
class TinyMethod implements PeftMethod<TinyMethod.Config> {
  record Config(List<String> targets, double number) {}

  @Override
  public String id() {
    return "tiny";
  }

  @Override
  public String description() {
    return "Scales what layers compute";
  }

  @Override
  public String peftType() {
    return "TINY";
  }

  @Override
  public List<Setting> settings() {
    return List.of(Setting.of("target_modules", "where").as(Setting.TARGETS),
        Setting.of("number", "whatever a subclass makes of it"));
  }

  @Override
  public Config read(Configuration json) {
    return new Config(json.texts("target_modules"), json.number("number", 0.5));
  }

  @Override
  public Map<String, @Nullable Object> write(Config config) {
    return Map.of("target_modules", config.targets(), "number", config.number());
  }

  @Override
  public Targets targets(Config config) {
    return Targets.of(new Targets.Selection.Names(config.targets()));
  }

  /** Returns what a site has. */
  List<ParamSpec> parameters(Config config, Site.Linear site) {
    return List.of();
  }

  /** Builds what is added to a factor of 1 [out]. */
  Tensor change(Config config, Site.Linear site, Params p) {
    return p.get("change");
  }

  @Override
  public Optional<Adapter> adapter(Config config, Site site) {
    return site instanceof Site.Linear linear
        ? Optional.of(new Scaled(this, config, linear))
        : Optional.empty();
  }

  private record Scaled(TinyMethod method, Config config, Site.Linear site) implements LinearAdapter {
    @Override
    public List<ParamSpec> parameters() {
      return method.parameters(config, site);
    }

    @Override
    public Tensor forward(LinearBase base, Params p, Tensor x) {
      return base.forward(x).times(method.change(config, site, p).plus(1));
    }

    @Override
    public Tensor initial(String parameter, LinearBase base, Params p) {
      return method.initialAt(parameter, base, p);
    }

    @Override
    public Optional<PeftMethod.Export> export(Params p) {
      return method.exportAt(config, p);
    }

    @Override
    public Optional<Merged> merge(LinearBase base, Params p) {
      Tensor factor = method.change(config, site, p).plus(1);
      return Optional.of(new Merged(base.weight().times(factor.reshape(site.out(), 1)),
          base.bias().map(factor::times)));
    }
  }

  /** Builds the derived start of a site's parameter. */
  Tensor initialAt(String parameter, LinearBase base, Params p) {
    throw new UnsupportedOperationException("no formula for the start of " + parameter);
  }

  /** Returns what a site stores instead of parameters. */
  Optional<PeftMethod.Export> exportAt(Config config, Params p) {
    return Optional.empty();
  }
}
