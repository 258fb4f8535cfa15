package dev.graft.core.attach;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.error.GraftException;
import dev.graft.graph.Shape;
import dev.graft.spi.ModelOutline;
import dev.graft.spi.Site;
import dev.graft.spi.Targets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Holds the choice of modules to the rules of Hugging Face PEFT, case by case. */
class TargetTableTests {
  private static Site linear(String name) {
    return new Site.Linear(name, 4, 4, false, false, false);
  }

  /** Chooses among one module and a stranger; that nothing is left to adapt means that it was not chosen. */
  private static boolean chosen(String module, Targets.Selection selection, String exclude, String layers,
      String layersPattern) {
    Targets targets = new Targets(selection,
        exclude.isEmpty() ? Optional.empty() : Optional.of(selection(exclude)),
        words(layers).map(Integer::valueOf).toList(), words(layersPattern).toList(), List.of(),
        Targets.Bias.NONE);
    try {
      return new TargetRules(targets, new ModelOutline(List.of(linear(module), linear("stranger")), Map.of()),
          false)
          .sites().stream().anyMatch(site -> site.name().equals(module));
    } catch (GraftException e) {
      assertThat(e).hasMessageContaining("target_modules");
      return false;
    }
  }

  private static Stream<String> words(String text) {
    return Arrays.stream(text.split(" ")).filter(word -> !word.isEmpty());
  }

  private static Targets.Selection selection(String text) {
    return text.startsWith("/")
        ? new Targets.Selection.Pattern(text.substring(1))
        : new Targets.Selection.Names(words(text).toList());
  }

  @ParameterizedTest
  @CsvSource({
    // A name is the whole path, or its end after a dot.
    "proj, proj, true", "a.proj, proj, true", "a.proj, a.proj, true", "b.a.proj, a.proj, true",
    "a.qproj, proj, false", "a.proj.x, proj, false", "a.proj, a, false", "a.proj, pro, false",
    "a.proj, PROJ, false", "transformer.h.1.attn.q_proj, q_proj, true",
    "transformer.h.1.attn.q_proj.out, q_proj, false", "model.h.10.proj, 0.proj, false",
    "model.h.10.proj, 10.proj, true",
    // An expression is one for the whole path.
    "proj, /proj, true", "a.proj, /proj, false", "a.proj, /.*proj, true", "a.proj.x, /.*proj, false",
    "a.proj, /a.*, true", "axproj, /a.proj, true", "a.proj, /.*(q|k)_proj, false",
    "a.k_proj, /.*(q|k)_proj, true"})
  void namesAndExpressions(String module, String targets, boolean expected) {
    assertThat(chosen(module, selection(targets), "", "", "")).isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource({
    "a.bar.1.baz, 1, bar, true", "a.bar.1.baz, 0, bar, false", "a.bar.1.baz, 0 1 2, bar, true",
    // An index is compared as a number and as a whole.
    "a.bar.10.baz, 1, bar, false", "a.bar.10.baz, 0, bar, false", "a.bar.10.baz, 10, bar, true",
    "a.bar.001.baz, 1, bar, true",
    // The pattern names what stands before the index.
    "a.bar.1.baz, 1, a, false", "a.bar.1.baz, 1, baz, false", "bar.1.baz, 1, bar, true",
    "foobar.1.baz, 1, bar, false", "a.bar.1.bar.2.baz, 1, bar, true", "a.bar.1.bar.2.baz, 2, bar, false",
    "a.bar.1.c.2.baz, 1, bar, true", "a.bar.2.c.1.baz, 1, bar, false", "a.bar.1.c.2.baz, 2, c, true",
    "a.bar.1.baz, 1, x bar, true",
    // Without a pattern the first number counts.
    "a.bar.1.baz, 1, '', true", "a.bar.1.baz, 0, '', false", "a.bar.1.c.2.baz, 1, '', true",
    "a.bar.1.c.2.baz, 2, '', false", "a.baz, 1, '', false"})
  void layers(String module, String layers, String pattern, boolean expected) {
    assertThat(chosen(module, new Targets.Selection.Names(List.of("baz")), "", layers, pattern))
        .isEqualTo(expected);
  }

  @Test
  void aFullNameIsTakenWhateverItsLayer() {
    assertThat(chosen("a.bar.1.baz", new Targets.Selection.Names(List.of("a.bar.1.baz")), "", "0", "bar"))
        .isTrue();
    assertThat(chosen("lm_head", new Targets.Selection.Names(List.of("lm_head")), "", "0", "")).isTrue();
  }

  private static Set<String> saved(ModelOutline outline, String entry) {
    return new TargetRules(
        new Targets(new Targets.Selection.Names(List.of("up")), Optional.empty(), List.of(),
            List.of(), List.of(entry), Targets.Bias.NONE),
        outline, false).savedParameters();
  }

  @Test
  void aSavedModuleBringsAllThatIsInIt() {
    Shape any = Shape.of(4, 4);
    ModelOutline outline = new ModelOutline(List.of(linear("h.0.mlp.up"), linear("h.1.mlp.up")),
        Map.of("h.0.mlp.up.weight", any, "h.0.norm.weight", any, "h.1.mlp.up.weight", any));
    assertThat(saved(outline, "mlp")).containsExactlyInAnyOrder("h.0.mlp.up.weight", "h.1.mlp.up.weight");
    assertThat(saved(outline, "h.0.mlp")).containsExactly("h.0.mlp.up.weight");
    assertThat(saved(outline, "0")).containsExactlyInAnyOrder("h.0.mlp.up.weight", "h.0.norm.weight");
  }

  @Test
  void aTargetThatIsSavedAsAWholeIsNotAdapted() {
    ModelOutline outline = new ModelOutline(List.of(linear("a.up"), linear("a.down")), Map.of());
    Targets targets = new Targets(new Targets.Selection.Names(List.of("up", "down")), Optional.empty(),
        List.of(), List.of(), List.of("up"), Targets.Bias.NONE);
    assertThat(new TargetRules(targets, outline, false).sites()).extracting(Site::name)
        .containsExactly("a.down");
  }

  @Test
  void aTiedHeadCanBeSaved() {
    ModelOutline outline = new ModelOutline(List.of(linear("up")), Map.of("embed.weight", Shape.of(9, 4)),
        Map.of("lm_head.weight", "embed.weight"));
    assertThat(saved(outline, "lm_head")).containsExactly("lm_head.weight");
  }

  @ParameterizedTest
  @CsvSource({
    "a.proj, proj, false", "a.proj, a.proj, false", "a.proj, b.proj, true", "a.proj, /a.*, false",
    "a.proj, /proj, true", "a.1.proj, /.*\\.1\\..*, false", "a.10.proj, /.*\\.1\\..*, true"})
  void whatIsExcludedIsLeftOut(String module, String exclude, boolean expected) {
    assertThat(chosen(module, new Targets.Selection.AllLinear(), exclude, "", "")).isEqualTo(expected);
    assertThat(chosen(module, new Targets.Selection.Names(List.of("proj")), exclude, "", ""))
        .isEqualTo(expected);
  }

  @Test
  void allLinearLeavesTheHeadAndTheTableOut() {
    ModelOutline outline = new ModelOutline(List.of(new Site.Embedding("embed", 9, 4), linear("a.proj"),
        new Site.Linear("lm_head", 4, 9, false, false, true)), Map.of());
    Targets all = new Targets(new Targets.Selection.AllLinear(), Optional.empty(), List.of(), List.of(),
        List.of(), Targets.Bias.NONE);
    assertThat(new TargetRules(all, outline, false).sites()).extracting(Site::name).containsExactly("a.proj");
  }

  /** Hugging Face PEFT takes what matches and says nothing of the rest. */
  @Test
  void anEntryThatHitsNothingIsRefusedThoughAnotherHits() {
    Targets targets = new Targets(new Targets.Selection.Names(List.of("q_proj", "vproj")), Optional.empty(),
        List.of(), List.of(), List.of(), Targets.Bias.NONE);
    ModelOutline outline = new ModelOutline(List.of(linear("a.q_proj"), linear("a.v_proj")), Map.of());
    assertThatThrownBy(() -> new TargetRules(targets, outline, false).sites())
        .isInstanceOf(GraftException.class)
        .hasMessageContaining("\"vproj\" (did you mean \"v_proj\"?)").hasMessageNotContaining("\"q_proj\"");
  }
}
