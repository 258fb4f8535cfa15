package dev.graft.template;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.error.GraftException;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ChatTemplateTests {
  private static final List<Message> HELLO = List.of(new Message("user", "Hello"),
      new Message("assistant", "Hi."),
      new Message("user", "Bye"), new Message("assistant", "So long."));

  private static String render(String source) {
    return ChatTemplate.parse(source, "test.jinja").render(HELLO, false, Map.of());
  }

  @Test
  void faultsNameTheFileAndTheLine() {
    assertThatThrownBy(() -> render("one\ntwo\n{{ raise_exception('roles must alternate') }}\nfour"))
        .isInstanceOf(GraftException.class)
        .hasMessage("The chat template test.jinja, line 3: roles must alternate");
    assertThatThrownBy(
        () -> render("{% for m in messages %}\n{{ m.role }}\n{{ m.name.first }}\n{% endfor %}"))
        .hasMessage("The chat template test.jinja, line 3: 'dict' has no attribute 'name'");
    assertThatThrownBy(() -> render("\n\n{% if x %}\ntext"))
        .hasMessage("The chat template test.jinja, line 3: the 'if' that begins here has no end");
    assertThatThrownBy(() -> render("a\n{{ 'x' | uper }}"))
        .hasMessageStartingWith(
            "The chat template test.jinja, line 2: there is no filter 'uper'; there are abs,");
    assertThatThrownBy(() -> render("{% include 'other' %}"))
        .hasMessageContaining("'include' is not supported");
  }

  @ParameterizedTest
  @ValueSource(strings = {
    "{% for a in range(100000) %}{% for b in range(100000) %}{% for c in range(100000) %}{% endfor %}{% endfor %}{% endfor %}",
    "{% set ns = namespace(x='ab') %}{% for i in range(99) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
    "{% set ns = namespace(x=[1]) %}{% for i in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
    "{{ 'x' * 10000000000 }}", "{{ [1] * 10000000000 }}", "{{ 'abc' | indent(9999999999) }}",
    "{{ '%999999999d' % 1 }}", "{{ '{:>999999999}'.format(1) }}", "{{ 'a'.center(99999999999) }}",
    "{{ [[1]] | tojson(indent=999999999) }}", "{{ [] | slice(99999999999) | list }}",
    "{% set a = 'a' * 9999999 %}{{ (a ~ a) .replace('a', a) }}",
    "{% set a = 'a' * 4000000 %}{{ (a ~ a) .find(a ~ 'b') }}",
    "{% set ns = namespace(x=[]) %}{% for i in range(99999) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x }}",
    "{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}",
    "{% set ns = namespace(x=[1], y=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% set ns.y = [ns.y, ns.y] %}{% endfor %}{{ ns.x == ns.y }}",
    "{% set ns = namespace(x=(1,), y=(1,)) %}{% for i in range(60) %}{% set ns.x = (ns.x, ns.x) %}{% set ns.y = (ns.y, ns.y) %}{% endfor %}{{ ns.x < ns.y }}",
    "{% set ns = namespace(x=(1,)) %}{% for i in range(60) %}{% set ns.x = (ns.x, ns.x) %}{% endfor %}{{ {ns.x: 1} }}",
    "{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x | tojson }}",
    "{% set ns = namespace(x=(1,)) %}{% for i in range(60) %}{% set ns.x = (ns.x, ns.x) %}{% endfor %}{{ [ns.x] | unique | list }}",
    "{% set a = 'a' * 99999999 %}{{ a | list | length }}",
    "{% set a = 'a' * 99999999 %}{{ a[::-1] | length }}",
    "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "{% for i in range(10 ** 12) %}{% endfor %}"})
  void noTemplateRunsForEverOrFillsTheMemory(String source) {
    assertThatThrownBy(() -> render(source)).isInstanceOf(GraftException.class)
        .hasMessageStartingWith("The chat template test.jinja, line 1: ");
  }

  @ParameterizedTest
  @ValueSource(strings = {"((", "[", "not ", "-", "{'a':", "x[", "f(", "1 if 1 else ", "x|map("})
  void deepNestingIsRefused(String open) {
    assertThatThrownBy(() -> render("{{ " + open.repeat(50_000) + "1")).isInstanceOf(GraftException.class)
        .hasMessageContaining("line 1");
  }

  @Test
  void deeplyNestedBlocksAreRefused() {
    assertThatThrownBy(() -> render("{% if 1 %}".repeat(100_000))).isInstanceOf(GraftException.class)
        .hasMessageContaining("the blocks nest too deeply");
  }

  @Test
  void generationBlocksGiveTheSpansOfTheAssistant() {
    RenderedChat chat = ChatTemplate.parse("""
        {% for m in messages %}
        {{ m.role }}: {% generation %}{{ m.content if m.role == 'assistant' }}{% endgeneration %}

        {% endfor %}""", "test.jinja").renderChat(HELLO, false, Map.of());
    assertThat(chat.generated().stream().map(span -> chat.text().substring(span.start(), span.end())))
        .containsExactly("", "Hi.", "", "So long.");
  }

  @Test
  void generationBlocksInsideCapturedTextHaveNoPlace() {
    assertThat(ChatTemplate.parse("{% set x %}{% generation %}a{% endgeneration %}{% endset %}{{ x }}", "t")
        .renderChat(HELLO, false, Map.of())).isEqualTo(new RenderedChat("a", List.of()));
  }

  @Test
  void timesAreWrittenAsPythonWritesThem() {
    Clock clock = Clock.fixed(Instant.parse("2025-03-04T05:06:07.089Z"), ZoneOffset.UTC);
    // datetime(2025, 3, 4, 5, 6, 7, 89000).strftime(...) in Python 3.13
    String format = "%d %b %Y|%B %-d, %Y|%A %a|%H:%M:%S.%f|%I %p|%j %y %m|%e|%F %T|%u %w|%%|%c";
    assertThat(ChatTemplate.parse("{{ strftime_now('" + format + "') }}", "t", clock).render(List.of(), false,
        Map.of())).isEqualTo("04 Mar 2025|March 4, 2025|Tuesday Tue|05:06:07.089000|05 AM|063 25 03| 4|"
            + "2025-03-04 05:06:07|2 2|%|Tue Mar  4 05:06:07 2025");
  }

  @Test
  void fieldsOfMessagesAreSeenByTheTemplate() {
    Map<String, @Nullable Object> fields = new HashMap<>();
    fields.put("content", null);
    fields.put("tool_calls", List.of(Map.of("function", Map.of("name", "add", "arguments", Map.of("a", 1)))));
    Message call = new Message("assistant", "the call as text", fields);
    ChatTemplate template = ChatTemplate.parse(
        "{{ messages[0].content is none }} {% for c in messages[0].tool_calls %}"
            + "{{ c.function.name }}{{ c.function.arguments | tojson }}{% endfor %} {{ tools is none }}",
        "t");
    assertThat(template.render(List.of(call), false, Map.of())).isEqualTo("True add{\"a\": 1} True");
    assertThat(
        template.render(List.of(call.withContent("x")), false, Map.of("tools", Arrays.asList(1, null))))
        .isEqualTo("False add{\"a\": 1} False");
  }

  @Test
  void theTemplateCannotChangeTheCallersValues() {
    List<Message> messages = List.of(new Message("user", "a", Map.of("list", List.of(1L))));
    assertThatThrownBy(
        () -> ChatTemplate.parse("{{ messages[0].list.append(2) }}", "t").render(messages, false,
            Map.of()))
        .hasMessageContaining("may not change a list");
  }
}
