package dev.graft.spi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.error.GraftException;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What {@code re.fullmatch} of Python 3 answers, written down by its documentation and tried there. */
class NamePatternTests {
  @ParameterizedTest
  @CsvSource(delimiter = ' ', value = {
    // named groups and references to them
    "(?P<_side>[qv])_proj q_proj true", "(?P<a_1>.)(?P=a_1) oo true", "(?P<a_1>.)(?P=a_1) on false",
    "(.)\\1 oo true", "(.)\\1 on false", "(.)(?:\\1)0 oo0 true",
    // places and flags
    "q_proj\\Z q_proj true", "\\Aq_proj$ q_proj true", "q_(?i)PROJ Q_proj true", "(?i:Q)_proj q_proj true",
    "(?i:Q)_proj q_PROJ false", "(?s).* a true", "q(?#left)_proj q_proj true",
    // braces
    "a{2} aa true", "a{,2} aa true", "a{,2} aaa false", "a{ a{ true", "a{x} a{x} true", "a} a} true",
    // classes: no unions, no intersections
    "[[a]+ [a true", "[a&&b]+ a&b true", "[]a]+ ]a true", "[^]a]+ b true", "[\\]\\-a]+ ]-a true",
    "[\\b] b false",
    // escapes
    "\\x61 a true", "\\u0061 a true", "\\U00000061 a true", "\\141 a true", "\\. . true", "\\_ _ true",
    // what Java means otherwise
    "\\v v false", "a++ aaa true", "(?>a+)a aaa false", "(?<=q)_ _ false", "#x #x true",
    "model\\.layers\\.(1[0-5]|[0-9])\\..*proj model.layers.12.mlp.up_proj true"})
  void matchesAsPythonDoes(String regex, String name, boolean expected) {
    assertThat(NamePattern.compile(regex).matches(name)).isEqualTo(expected);
  }

  @Test
  void commentsAndSpacesHaveNoMeaningInVerboseExpressions() {
    assertThat(NamePattern.compile("(?x) q _ proj  # the query\n").matches("q_proj")).isTrue();
    assertThat(NamePattern.compile("(?x) [ ] q").matches(" q")).isTrue();
  }

  @ParameterizedTest
  @ValueSource(strings = {"(", ")", "a)", "[a", "*", "a**", "(?P<1>a)", "(?P<a>b)(?P<a>c)", "(?P=a)", "\\",
    "\\q",
    "\\p{L}", "\\Qa\\E", "\\x6", "(?<a>b)", "(?i-)", "a{3,2}", "(?L)a", "(?", "[\\Z]", "a{9}{9}"})
  void refusesWhatPythonRefuses(String regex) {
    assertThatIllegalArgumentException().isThrownBy(() -> NamePattern.compile(regex));
  }

  @ParameterizedTest
  @ValueSource(strings = {"(([a-z]|[a-z0-9]|[_.0-9])*)*!", "(a*)*b", "(?:a|a)*b",
    "(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)b",
    "((?:\\w|_)+)+!"})
  void endlessExpressionsEndByASentenceIfTheyEndAtAll(String regex) {
    NamePattern pattern = NamePattern.compile(regex);
    try {
      assertThat(pattern.matches("a".repeat(200))).isFalse();
    } catch (GraftException e) {
      assertThat(e).hasMessageContaining(regex).hasMessageContaining("takes too long");
    }
  }

  @Test
  void anExpressionThatTriesEndlesslyIsNamed() {
    String regex = "(([a-z]|[a-z0-9]|[_.0-9])*)*!";

    assertThatThrownBy(() -> NamePattern.compile(regex).matches("model.layers.10.self_attn.q_proj"))
        .isInstanceOf(GraftException.class).hasMessageContaining(regex)
        .hasMessageContaining("takes too long");
  }

  @Test
  void multipliedRepetitionsAreRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> NamePattern.compile("(?:(?:(?:a?){1000}){1000}){1000}"))
        .withMessageContaining("repeat");
  }

  @Test
  void hugeExpressionsAreRefused() {
    assertThatIllegalArgumentException().isThrownBy(() -> NamePattern.compile("a".repeat(200_000)));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> NamePattern.compile("(".repeat(5000) + ")".repeat(5000)));
  }

  @Test
  void aFaultNamesItsField() {
    Configuration json = new Configuration("adapter_config.json", Map.of());

    NamePattern pattern = NamePattern.compile("(?P<", json, "exclude_modules");

    assertThat(pattern.matches("anything")).isFalse();
    assertThatThrownBy(json::finish).hasMessageContainingAll("exclude_modules", "(?P<");
  }

  @Test
  void theFirstGroupIsFoundAtTheStart() {
    NamePattern pattern = NamePattern.compile(".*?\\.[^.]*\\.(\\d+)\\.");

    assertThat(pattern.firstGroup("model.layers.12.mlp.experts.3.up")).contains("12");
    assertThat(pattern.firstGroup("lm_head")).isEmpty();
  }
}
