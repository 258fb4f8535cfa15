package dev.graft.core.attach;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.error.GraftException;
import dev.graft.graph.Shape;
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

  private static List<String> notes(ModelOutline outline, boolean stored, Targets targets) {
    TargetRules rules = new TargetRules(targets, outline, stored);
    rules.sites();
    rules.savedParameters();
    return rules.notes();
  }

  private static Targets named(String... entries) {
    return Targets.of(new Targets.Selection.Names(List.of(entries)));
  }

  @Test
  void aStoredAdaptersEntryThatTheModelLacksIsNoted() {
    assertThat(notes(TWO_LAYERS, true, named("proj", "c_attn"))).singleElement().asString()
        .contains("c_attn");
    assertThatThrownBy(() -> notes(TWO_LAYERS, false, named("proj", "c_attn")))
        .isInstanceOf(GraftException.class).hasMessageContaining("c_attn");
  }

  @Test
  void aStoredAdaptersSlipOrWhollyOtherTargetsAreRefused() {
    assertThatThrownBy(() -> notes(TWO_LAYERS, true, named("proj", "pr_oj")))
        .isInstanceOf(GraftException.class).hasMessageContaining("pr_oj");
    assertThatThrownBy(() -> notes(TWO_LAYERS, true, named("c_attn", "c_proj")))
        .isInstanceOf(GraftException.class).hasMessageContaining("c_attn");
  }

  @Test
  void aFaultyExcludeIsCalledByItsName() {
    Targets targets = new Targets(new Targets.Selection.AllLinear(),
        Optional.of(new Targets.Selection.Pattern("(")), List.of(), List.of(), List.of(), Targets.Bias.NONE);

    assertThatThrownBy(() -> new TargetRules(targets, TWO_LAYERS, false).sites())
        .isInstanceOf(GraftException.class).hasMessageStartingWith("exclude_modules");
  }

  @Test
  void aParameterOfTheModelItselfIsInNoModule() {
    ModelOutline outline = new ModelOutline(TWO_LAYERS.sites(), Map.of("scale", Shape.of(1)));
    Targets targets = new Targets(new Targets.Selection.AllLinear(), Optional.empty(), List.of(), List.of(),
        List.of("norm"), Targets.Bias.ALL);

    assertThatThrownBy(() -> new TargetRules(targets, outline, false).savedParameters())
        .isInstanceOf(GraftException.class).hasMessageContaining("norm");
  }

  @Test
  void aLayerNumberOfAnyLengthIsNoFault() {
    ModelOutline outline = new ModelOutline(
        List.of(linear("model.layers.12345678901.proj"), linear("model.layers.01.proj")), Map.of());
    Targets targets = new Targets(new Targets.Selection.AllLinear(), Optional.empty(), List.of(1), List.of(),
        List.of(), Targets.Bias.NONE);

    assertThat(new TargetRules(targets, outline, false).sites()).extracting(Site::name)
        .containsExactly("model.layers.01.proj");
  }
}
