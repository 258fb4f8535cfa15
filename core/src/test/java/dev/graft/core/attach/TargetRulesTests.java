package dev.graft.core.attach;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.error.GraftException;
import dev.graft.spi.ModelOutline;
import dev.graft.spi.Site;
import dev.graft.spi.Targets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class TargetRulesTests {
  private static final ModelOutline TWO_LAYERS = new ModelOutline(
      List.of(linear("model.layers.0.proj"), linear("model.layers.1.proj")), Map.of());

  private static Site linear(String name) {
    return new Site.Linear(name, 4, 4, false, false, false);
  }

  private static List<String> sites(String layersPattern) {
    Targets targets = new Targets(new Targets.Selection.AllLinear(), Optional.empty(), List.of(1),
        List.of(layersPattern), List.of(), Targets.Bias.NONE);
    return new TargetRules(targets, TWO_LAYERS, false).sites().stream().map(Site::name).toList();
  }

  @Test
  void aLayersPatternFindsTheIndexBehindIt() {
    assertThat(sites("layers")).containsExactly("model.layers.1.proj");
    assertThat(sites("(?:layers|h)")).containsExactly("model.layers.1.proj");
  }

  @Test
  void aLayersPatternThatIsNoExpressionIsNamed() {
    assertThatThrownBy(() -> sites("(")).isInstanceOf(GraftException.class)
        .hasMessageContaining("layers_pattern").hasMessageContaining("\"(\"");
  }

  @Test
  void aLayersPatternWithAGroupOfItsOwnIsRefused() {
    assertThatThrownBy(() -> sites("(layers|h)")).isInstanceOf(GraftException.class)
        .hasMessageContaining("groups");
  }
}
