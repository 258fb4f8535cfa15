package dev.graft.data.dataset;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.data.Fixtures;
import dev.graft.data.tokenizer.Tokenizer;
import dev.graft.error.GraftException;
import dev.graft.spi.TokenSample;
import dev.graft.template.ChatTemplate;
import dev.graft.template.Message;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tells what is learned of conversations under templates that do what those of known models do. */
class LearnedTurnsTests {
  private static final String PROMPT = "{% if add_generation_prompt %}<|assistant|>\n{% endif %}";
  private static final String PLAIN = "{{ bos_token }}{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}<|end|>\n{% endfor %}"
      + PROMPT;
  /** Writes empty thoughts in the last turn alone, drops those of earlier turns, and writes calls (as Qwen3). */
  private static final String THINKING = """
      {%- for m in messages %}
      {%- set said = m.content if m.content is string else '' %}
      {%- if m.role == 'assistant' %}
        {%- set thought = said.split('</think>')[0].split('<think>')[-1].strip() if '</think>' in said else '' %}
        {%- set said = said.split('</think>')[-1].lstrip('\\n') %}
        {{- '<|assistant|>\\n' }}
        {%- if loop.last %}{{- '<think>\\n' + thought + '\\n</think>\\n\\n' }}{% endif %}
        {{- said }}
        {%- for c in m.tool_calls or [] %}
          {%- if said or not loop.first %}{{- '\\n' }}{% endif %}
          {{- '<call>\\n{"name": "' + c.function.name + '", "arguments": ' + (c.function.arguments if c.function.arguments is string else c.function.arguments | tojson) + '}\\n</call>' }}
        {%- endfor %}
        {{- '<|end|>\\n' }}
      {%- else %}
        {{- '<|user|>\\n' + said + '<|end|>\\n' }}
      {%- endif %}
      {%- endfor %}
      {%- if add_generation_prompt %}{{- '<|assistant|>\\n' }}{% endif %}""";
  /** Writes the system message into the last message, if that is the user's (as Mistral v0.3). */
  private static final String SYSTEM_LAST = """
      {%- if messages[0].role == 'system' %}{% set system = messages[0].content %}{% set rest = messages[1:] %}{% else %}{% set rest = messages %}{% endif %}
      {{- bos_token }}
      {%- for m in rest %}
        {%- if m.role == 'user' %}
          {{- '<|user|> ' + (system + '\\n\\n' if loop.last and system is defined else '') + m.content + '<|end|>' }}
        {%- else %}
          {{- ' ' + m.content | trim + eos_token }}
        {%- endif %}
      {%- endfor %}""";
  private static final String CALL = "{\"id\": \"abcdefghi\", \"type\": \"function\", \"function\": {\"name\": \"get_rain\", \"arguments\": %s}}";

  @TempDir
  Path folder;

  private Tokenizer with(String template) throws IOException {
    for (String name : List.of("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")) {
      Files.copy(Fixtures.path("models/base/" + name), folder.resolve(name),
          StandardCopyOption.REPLACE_EXISTING);
    }
    Files.writeString(folder.resolve("chat_template.jinja"), template);
    return Tokenizer.open(folder);
  }

  private List<Sample> rows(String... lines) throws IOException {
    return DataSet.read(Files.writeString(folder.resolve("data.jsonl"), String.join("\n", lines)),
        DataFormat.AUTO);
  }

  private static String learned(Tokenizer tokenizer, EncodedSample sample) {
    StringBuilder text = new StringBuilder();
    int from = 0;
    for (int i = 0; i <= sample.length(); i++) {
      if (i == sample.length() || sample.labels()[i] == TokenSample.IGNORED) {
        if (i > from) {
          text.append('[').append(tokenizer.decode(Arrays.copyOfRange(sample.ids(), from, i), false))
              .append(']');
        }
        from = i + 1;
      } else {
        assertThat(sample.labels()[i]).isEqualTo(sample.ids()[i]);
      }
    }
    return text.toString();
  }

  private List<String> learned(String template, String... lines) throws IOException {
    try (Tokenizer tokenizer = with(template)) {
      SampleEncoder encoder = new SampleEncoder(tokenizer, 1000, true);
      return rows(lines).stream().map(row -> learned(tokenizer, encoder.encode(row))).toList();
    }
  }

  private List<String> notes(String template, String... lines) throws IOException {
    try (Tokenizer tokenizer = with(template)) {
      return EncodingNotes.sentences("d.jsonl",
          new SampleEncoder(tokenizer, 1000, true).encodeAll(rows(lines)));
    }
  }

  private static String asking(String assistant) {
    return "{\"messages\": [{\"role\": \"user\", \"content\": \"rain?\"}, " + assistant
        + ", {\"role\": \"tool\", \"content\": \"3\"}, {\"role\": \"assistant\", \"content\": \"3 mm\"}]}";
  }

  private static String turn(String content, String... calls) {
    return "{\"role\": \"assistant\", \"content\": " + content + ", \"tool_calls\": ["
        + String.join(", ", calls)
        + "]}";
  }

  @ParameterizedTest
  @ValueSource(strings = {"{\"city\": \"Oslo\"}", "\"{\\\"city\\\": \\\"Oslo\\\"}\"",
    "\" {\\\"city\\\":\\\"Oslo\\\"}\""})
  void callsAreLearnedWithTheWordsBeforeThemAndTheEndOfTheTurn(String arguments) throws IOException {
    String call = CALL.formatted(arguments);
    String written = "<call>\n{\"name\": \"get_rain\", \"arguments\": {\"city\": \"Oslo\"}}\n</call>";
    String last = "<|end|>][<think>\n\n</think>\n\n3 mm<|end|>]";
    assertThat(learned(THINKING, asking(turn("\"Let me look.\"", call)), asking(turn("\"\"", call)),
        asking(turn("null", call)), asking(turn("null", call, call)),
        asking("{\"role\": \"assistant\", \"tool_calls\": [" + call + "], \"name\": null}"),
        asking("{\"role\": \"assistant\", \"content\": null, \"function_call\": {\"name\": \"get_rain\","
            + " \"arguments\": " + arguments + "}}"),
        asking("{\"role\": \"assistant\", \"content\": \"\", \"tool_calls\": [{\"name\": \"get_rain\","
            + " \"arguments\": " + arguments + "}]}")))
        .containsExactly("[Let me look.\n" + written + last, "[" + written + last, "[" + written + last,
            "[" + written + "\n" + written + last, "[" + written + last, "[" + written + last,
            "[" + written + last);
    assertThat(notes(THINKING, asking(turn("\"Let me look.\"", call)))).isEmpty();
  }

  @Test
  void argumentsAsATextAreParsedForMessagesFromJavaToo() throws IOException {
    try (Tokenizer tokenizer = with(
        "{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}{% for c in m.tool_calls or [] %}"
            + "{{ c.function | tojson }}{% endfor %}<|end|>\n{% endfor %}" + PROMPT)) {
      Message call = new Message("assistant", "", Map.of("tool_calls",
          List.of(Map.of("function", Map.of("name", "add", "arguments", "{\"a\": [1, 2.5, null, \"ü\"]}")))));
      EncodedSample sample = new SampleEncoder(tokenizer, 1000, true)
          .encode(new Sample.Conversation(List.of(new Message("user", "?"), call)));
      assertThat(learned(tokenizer, sample)).contains("\"arguments\": {\"a\": [1, 2.5, null, \"ü\"]}")
          .contains("\"name\": \"add\"").endsWith("}<|end|>]");
    }
  }

  @Test
  void argumentsThatAreNoObjectAreRefusedWhereTheyStand() {
    for (String arguments : List.of("\"{city\"", "\"[1]\"", "\"Oslo\"")) {
      assertThatThrownBy(() -> rows("", asking(turn("null", CALL.formatted(arguments)))))
          .isInstanceOf(GraftException.class).hasMessageContaining("data.jsonl, line 2: messages[1]")
          .hasMessageContaining("the arguments of a call must be the JSON of an object");
    }
  }

  @Test
  void templatesThatJoinTheArgumentsToTextGetThemAsText() throws IOException {
    String joining = "{% for m in messages %}<|{{ m.role }}|>\n{% if m.content is not none %}{{ m.content }}{% endif %}"
        + "{% for c in m.tool_calls or [] %}{{ c.type + ':' + c.function.name + '\n' + c.function.arguments }}"
        + "{% endfor %}<|end|>\n{% endfor %}" + PROMPT;
    String shown = joining.replace("+ '\n' + c.function.arguments", "~ '\n' ~ c.function.arguments");
    for (String template : List.of(joining, shown)) {
      assertThat(learned(template, asking(turn("null", CALL.formatted("{\"city\": \"Oslo\"}")))))
          .containsExactly("[function:get_rain\n{\"city\": \"Oslo\"}<|end|>][3 mm<|end|>]");
    }
  }

  @Test
  void callsThatATemplateWritesOnlyWithoutContentAreWritten() throws IOException {
    String either = "{% for m in messages %}<|{{ m.role }}|>\n{% if m.content is none %}{% for c in m.tool_calls %}"
        + "CALL {{ c.function.name }} {{ c.function.arguments.city }}{% endfor %}{% else %}{{ m.content }}{% endif %}"
        + "<|end|>\n{% endfor %}" + PROMPT;
    assertThat(learned(either, asking(turn("\"\"", CALL.formatted("{\"city\": \"Oslo\"}")))))
        .containsExactly("[CALL get_rain Oslo<|end|>][3 mm<|end|>]");
  }

  @Test
  void callsAreLearnedAsJsonWhereTheTemplateKnowsNone() throws IOException {
    String call = CALL.formatted("\"{\\\"city\\\":\\\"Oslo\\\"}\"");
    String json = "{\"name\": \"get_rain\", \"arguments\": {\"city\": \"Oslo\"}}";
    String[] rows = {asking(turn("null", call)), asking(turn("\"Let me look.\"", call)),
      asking(turn("\"\"", call, call)),
      "{\"conversations\": [{\"from\": \"human\", \"value\": \"rain?\"}, {\"from\": \"function_call\", \"value\": "
          + "\"{\\\"name\\\": \\\"get_rain\\\", \\\"arguments\\\": {\\\"city\\\": \\\"Oslo\\\"}}\"},"
          + " {\"from\": \"observation\", \"value\": \"3\"}, {\"from\": \"gpt\", \"value\": \"3 mm\"}]}"};
    String last = "<|end|>][3 mm<|end|>]";
    assertThat(learned(PLAIN, rows[0], rows[1], rows[2])).containsExactly("[" + json + last,
        "[Let me look.\n" + json + last, "[[" + json + ", " + json + "]" + last);
    assertThat(learned(PLAIN, rows[3])).containsExactly("[" + json + last);
    assertThat(notes(PLAIN, rows[0], rows[1], rows[2])).isEmpty();
    assertThat(notes(PLAIN, rows[3])).isEmpty();
  }

  @Test
  void whatATemplateKnowsOfAndLeavesOutIsTold() throws IOException {
    String silent = "{# tool_calls are not shown #}"
        + PLAIN.replace("{{ m.content }}", "{{ m.content or '' }}");
    assertThat(notes(silent, asking(turn("null", CALL.formatted("{\"city\": \"Oslo\"}")))))
        .containsExactly("the chat template leaves out tool calls of message 2 (d.jsonl, row 1)");
    assertThat(notes(PLAIN,
        "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}, {\"role\": \"assistant\","
            + " \"content\": \"b\"}], \"tools\": [{\"name\": \"get_rain\", \"parameters\": {}}]}"))
        .containsExactly(
            "the chat template leaves out the descriptions of the tools (d.jsonl, row 1)");
  }

  @Test
  void aSystemMessageThatMovesDoesNotMoveTheTokensOfTheAnswer() throws IOException {
    String one = "{\"role\": \"user\", \"content\": \"one\"}, {\"role\": \"assistant\", \"content\": \"the world\"}";
    String two = ", {\"role\": \"user\", \"content\": \"two\"}, {\"role\": \"assistant\", \"content\": \"the rest\"}";
    String kind = "{\"role\": \"system\", \"content\": \"Be kind.\"}, ";
    String[] rows = {"{\"messages\": [" + one + "]}", "{\"messages\": [" + kind + one + "]}",
      "{\"messages\": [" + one + two + "]}", "{\"messages\": [" + kind + one + two + "]}"};
    try (Tokenizer tokenizer = with(SYSTEM_LAST)) {
      SampleEncoder encoder = new SampleEncoder(tokenizer, 1000, true);
      List<EncodedSample> samples = encoder.encodeAll(rows(rows));
      assertThat(samples.get(1)).isEqualTo(samples.get(0));
      assertThat(samples.get(3)).isEqualTo(samples.get(2));
      assertThat(learned(tokenizer, samples.get(3))).isEqualTo("[ the world</s>][ the rest</s>]");
      long[] answer = tokenizer.encode(" the world", false);
      assertThat(Arrays.stream(samples.get(3).labels()).filter(label -> label != TokenSample.IGNORED)
          .limit(answer.length).toArray()).isEqualTo(answer);
    }
    assertThat(notes(SYSTEM_LAST, rows)).containsExactly(
        "the chat template leaves out words of message 1 (d.jsonl, row 2), and the like in 1 more rows");
  }

  @Test
  void thoughtsThatATemplateLeavesOutAreToldOnce() throws IOException {
    String cutting = PLAIN.replace("{{ m.content }}", "{{ m.content.split('</think>')[-1] }}");
    String plain = "{\"messages\": [{\"role\": \"user\", \"content\": \"q\"}, {\"role\": \"assistant\", \"content\": \"plain answer\"}]}";
    String thought = plain.replace("plain answer", "<think>\\nreasons\\n</think>\\n\\nanswer");
    assertThat(notes(cutting, plain, thought, thought)).containsExactly(
        "the chat template leaves out words of message 2 (d.jsonl, row 2), and the like in 1 more rows");
    assertThat(learned(cutting, thought)).containsExactly("[\n\nanswer<|end|>]");
    assertThat(notes(cutting, plain)).isEmpty();
    assertThat(notes(THINKING, thought)).isEmpty();
    assertThat(notes(PLAIN,
        "{\"messages\": [{\"role\": \"user\", \"content\": \"q\"}, {\"role\": \"assistant\","
            + " \"content\": \"a\", \"reasoning_content\": \"so\"}]}"))
        .containsExactly("the chat template leaves out the reasoning of message 2 (d.jsonl, row 1)");
    assertThat(notes(cutting, "{\"prompt\": \"q\", \"completion\": \"<think>so</think>a\"}"))
        .containsExactly("the chat template leaves out words of the completion (d.jsonl, row 1)");
  }

  @Test
  void wordsThatATemplateTrimsOrEscapesAreNotLost() throws IOException {
    String escaping = "{% for m in messages %}<|{{ m.role }}|>\n{{ (m.content | trim | tojson) if m.role == 'user' else m.content | upper }}<|end|>\n{% endfor %}"
        + PROMPT;
    assertThat(notes(escaping, "{\"messages\": [{\"role\": \"user\", \"content\": \" a\\n\\\"b\\\" é\\n👍\"},"
        + " {\"role\": \"assistant\", \"content\": \"!\"}]}")).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {
    "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}, {\"role\": \"assistant\", \"content\": \"BAD\", \"weight\": 0},"
        + " {\"role\": \"user\", \"content\": \"b\"}, {\"role\": \"assistant\", \"content\": \"good\", \"weight\": 1}]}",
    "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}, {\"role\": \"assistant\", \"content\": \"BAD\", \"train\": false},"
        + " {\"role\": \"user\", \"content\": \"b\"}, {\"role\": \"assistant\", \"content\": \"good\", \"weight\": null}]}",
    "{\"conversations\": [{\"from\": \"human\", \"value\": \"a\", \"loss\": null}, {\"from\": \"gpt\", \"value\": \"BAD\", \"loss\": false},"
        + " {\"from\": \"human\", \"value\": \"b\", \"loss\": null}, {\"from\": \"gpt\", \"value\": \"good\", \"loss\": true}]}"})
  void turnsThatAreMarkedAsNotToBeLearnedAreNot(String row) throws IOException {
    String blocks = "{% for m in messages %}<|{{ m.role }}|>\n{% if m.role == 'assistant' %}{% generation %}{{ m.content }}<|end|>{% endgeneration %}"
        + "{% else %}{{ m.content }}<|end|>{% endif %}\n{% endfor %}" + PROMPT;
    for (String template : List.of(PLAIN, blocks, SYSTEM_LAST.replace("eos_token", "'<|end|>'"))) {
      assertThat(learned(template, row).getFirst().replace("[ ", "[")).isEqualTo("[good<|end|>]");
    }
    try (Tokenizer tokenizer = with(PLAIN)) {
      assertThat(learned(tokenizer, new SampleEncoder(tokenizer, 100, false).encode(rows(row).getFirst())))
          .isEqualTo("[good</s>]");
    }
  }

  @Test
  void aConversationOfWhichNothingIsToBeLearnedTeachesNothing() throws IOException {
    assertThat(
        learned(PLAIN, "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}, {\"role\": \"assistant\","
            + " \"content\": \"BAD\", \"weight\": 0}]}"))
        .containsExactly("");
  }

  @Test
  void marksThatSayNeitherAreRefused() {
    String row = "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}, {\"role\": \"assistant\", \"content\": \"b\", %s}]}";
    assertThatThrownBy(() -> rows(row.formatted("\"weight\": 0.5"))).isInstanceOf(GraftException.class)
        .hasMessageContaining("data.jsonl, line 1: messages[1]: the field \"weight\" of a message is 0.5");
    assertThatThrownBy(() -> rows(row.formatted("\"train\": \"no\""))).hasMessageContaining("\"train\"");
    assertThatThrownBy(() -> rows(row.formatted("\"train\": true, \"weight\": 0")))
        .hasMessageContaining("say different things");
  }

  @Test
  void aMarkOnAnothersMessageIsTold() throws IOException {
    assertThat(notes(PLAIN, "{\"messages\": [{\"role\": \"user\", \"content\": \"a\", \"train\": true},"
        + " {\"role\": \"assistant\", \"content\": \"b\"}]}"))
        .containsExactly("message 1 is marked as to be learned, but only what the assistant says is learned"
            + " (d.jsonl, row 1)");
  }

  @ParameterizedTest
  @ValueSource(strings = {
    "{\"system\": \"Be kind.\", \"messages\": [{\"role\": \"user\", \"content\": \"hi\"}, {\"role\": \"assistant\", \"content\": \"salut\"}]}",
    "{\"system\": \"Be kind.\", \"messages\": [{\"role\": \"system\", \"content\": \"Be kind.\"}, {\"role\": \"user\", \"content\": \"hi\"}, {\"role\": \"assistant\", \"content\": \"salut\"}]}",
    "{\"system\": \"Be kind.\", \"prompt\": \"hi\", \"completion\": \"salut\"}",
    "{\"system_prompt\": \"Be kind.\", \"prompt\": \"hi\", \"completion\": \"salut\"}",
    "{\"system\": \"Be kind.\", \"instruction\": \"hi\", \"input\": \"\", \"output\": \"salut\"}",
    "{\"system\": \"Be kind.\", \"conversations\": [{\"from\": \"human\", \"value\": \"hi\"}, {\"from\": \"gpt\", \"value\": \"salut\"}]}"})
  void aSystemFieldBesideAnyShapeIsUsed(String row) throws IOException {
    assertThat(rows(row)).containsExactly(new Sample.Conversation(List.of(new Message("system", "Be kind."),
        new Message("user", "hi"), new Message("assistant", "salut"))));
  }

  @Test
  void aSystemFieldThatContradictsIsRefused() {
    assertThatThrownBy(
        () -> rows("{\"system\": \"Be kind.\", \"messages\": [{\"role\": \"system\", \"content\":"
            + " \"Be rude.\"}, {\"role\": \"assistant\", \"content\": \"a\"}]}"))
        .isInstanceOf(GraftException.class)
        .hasMessageContaining("line 1: the row has a system message in a field of its own, and another");
    assertThatThrownBy(
        () -> rows("{\"system\": \"a\", \"system_prompt\": \"b\", \"prompt\": \"p\", \"completion\": \"c\"}"))
        .hasMessageContaining("\"system\" and \"system_prompt\" differ");
  }

  @Test
  void aSystemFieldBesideNamedColumnsIsUsed() throws IOException {
    Path file = Files.writeString(folder.resolve("q.jsonl"),
        "{\"system_prompt\": \"Be kind.\", \"question\": \"hi\", \"response\": \"salut\"}");
    assertThat(
        ((Sample.Conversation) DataSet.read(file, DataFormat.columns("question", "response")).getFirst())
            .messages())
        .extracting(Message::content).containsExactly("Be kind.", "hi", "salut");
    assertThat(DataSet.read(file, DataFormat.columns("system_prompt", "response")))
        .containsExactly(new Sample.PromptCompletion("Be kind.", "salut"));
  }

  @Test
  void aTextThatBeginsWithTheBeginningGetsNoSecond() throws IOException {
    try (Tokenizer tokenizer = with(PLAIN)) {
      SampleEncoder raw = new SampleEncoder(tokenizer, 100, false);
      List<EncodedSample> samples = raw
          .encodeAll(List.of(new Sample.Text("<s>hello world</s>"), new Sample.Text("hello world")));
      assertThat(samples.get(0)).isEqualTo(samples.get(1));
      assertThat(raw.prompt("<s>hello")).isEqualTo(raw.prompt("hello"));
      assertThat(raw.encode(new Sample.PromptCompletion("<s>a", "b")))
          .isEqualTo(raw.encode(new Sample.PromptCompletion("a", "b")));
      assertThat(raw.hasBeginning("<s>hello")).isTrue();
      assertThat(raw.hasBeginning("hello <s>")).isFalse();
      assertThat(EncodingNotes.sentences("d.jsonl", samples)).containsExactly(
          "the text begins with the token that is put before every text, so it is not put there again (d.jsonl,"
              + " row 1)");
    }
  }

  @Test
  void aBlockThatReachesOverTheEndOfTheTurnGetsNoSecondEnd() throws IOException {
    String over = "{% for m in messages %}<|{{ m.role }}|>\n{% if m.role == 'assistant' %}{% generation %}{{ m.content + '<|end|>\n' }}{% endgeneration %}"
        + "{% else %}{{ m.content }}<|end|>\n{% endif %}{% endfor %}" + PROMPT;
    String row = "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}, {\"role\": \"assistant\", \"content\": \"b\"}]}";
    assertThat(learned(over, row)).containsExactly("[b<|end|>\n]");
    // Whoever leaves the end out of the block does not want it learned.
    assertThat(
        learned(over.replace("'<|end|>\n' }}{% endgeneration %}", "'' }}{% endgeneration %}<|end|>\n"), row))
        .containsExactly("[b]");
    // Without any end in the text no answer would ever end.
    assertThat(learned(over.replace("'<|end|>\n' }}", "'\n' }}"), row)).containsExactly("[b\n</s>]");
  }

  @Test
  void aPromptThatBeginsAThoughtIsLearnedFromThere() throws IOException {
    String opening = "{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}<|end|>\n{% endfor %}"
        + "{% if add_generation_prompt %}<|assistant|>\n<think>\n{% endif %}";
    String row = "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}, {\"role\": \"assistant\", \"content\": \"%s\"}]}";
    assertThat(learned(opening, row.formatted("<think>\\nso</think>b"), row.formatted("<b>bold"),
        row.formatted("b")))
        .containsExactly("[so</think>b<|end|>]", "[<b>bold<|end|>]", "[b<|end|>]");
  }

  @Test
  void conversationsMayBeginWithTheAssistant() throws IOException {
    assertThat(learned(PLAIN,
        "{\"messages\": [{\"role\": \"assistant\", \"content\": \"Hello.\"}, {\"role\": \"user\","
            + " \"content\": \"a\"}, {\"role\": \"assistant\", \"content\": \"b\"}]}"))
        .containsExactly("[Hello.<|end|>][b<|end|>]");
  }

  @Test
  void aTemplateThatLooksUpMessagesByNumberIsUnderstood() throws IOException {
    String numbered = "{% for i in range(messages | length) %}{% set m = messages[i] %}<|{{ m.role }}|>\n{{ m.content or '' }}"
        + "{% for c in m.tool_calls or [] %}{{ c.function.name }}({{ c.function.arguments.city }}){% endfor %}<|end|>\n{% endfor %}"
        + PROMPT;
    assertThat(learned(numbered, asking(turn("null", CALL.formatted("{\"city\": \"Oslo\"}")))))
        .containsExactly("[get_rain(Oslo)<|end|>][3 mm<|end|>]");
  }

  @Test
  void resultsThatATemplateWritesIntoTheTurnAreNotLearned() throws IOException {
    String inside = "{% for m in messages %}{% if m.role != 'tool' %}<|{{ m.role }}|>\n{{ m.content or '' }}{% if m.tool_calls %}"
        + "{{ m.tool_calls[0].function.name }}({{ messages[loop.index].content }}){% endif %}<|end|>\n{% endif %}{% endfor %}"
        + PROMPT;
    assertThatThrownBy(() -> learned(inside, asking(turn("null", CALL.formatted("{}")))))
        .isInstanceOf(GraftException.class).hasMessageContaining("Message 2")
        .hasMessageContaining("generation");
  }

  @Test
  void whatComesBeforeIsAsAtInferenceForAnyWords() throws IOException {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    List<String> pieces = List.of("a", " ", "\n", "the", "\n\n", "ü", "</think>", "<", "|", "'s", "123", "👍",
        ".");
    String spaced = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}";
    for (String template : List.of(PLAIN, spaced,
        "{{ bos_token }}{% for m in messages %}{{ m.content }}<|end|>{% endfor %}")) {
      try (Tokenizer tokenizer = with(template)) {
        SampleEncoder encoder = new SampleEncoder(tokenizer, 10_000, true);
        for (int run = 0; run < 60; run++) {
          List<Message> messages = new ArrayList<>();
          for (int i = 0; i < 4; i++) {
            StringBuilder words = new StringBuilder();
            for (int j = random.nextInt(6); j >= 0; j--) {
              words.append(pieces.get(random.nextInt(pieces.size())));
            }
            messages.add(new Message(i % 2 == 0 ? "user" : "assistant", words.toString()));
          }
          List<Message> marked = new ArrayList<>(messages);
          marked.set(1, new Message("assistant", messages.get(1).content(), Map.of("weight", 0)));
          Sample pair = new Sample.Conversation(messages.subList(0, 2));
          checkLearnedAfterItsPrompt(tokenizer, encoder.encode(pair), messages.subList(0, 2), seed);
          checkLearnedAfterItsPrompt(tokenizer, encoder.encode(new Sample.Conversation(marked)), messages,
              seed);
        }
      }
    }
  }

  /** Checks that the last message is learned, behind the tokens that a model is given to answer by. */
  private static void checkLearnedAfterItsPrompt(Tokenizer tokenizer, EncodedSample sample,
      List<Message> messages, long seed) {
    int first = 0;
    while (sample.labels()[first] == TokenSample.IGNORED) {
      first++;
    }
    ChatTemplate template = tokenizer.chatTemplate().orElseThrow();
    String prompt = template.render(messages.subList(0, messages.size() - 1), true,
        tokenizer.templateVariables());
    assertThat(Arrays.copyOf(sample.ids(), first)).as("seed %d, %s", seed, messages)
        .isEqualTo(tokenizer.encode(prompt, false));
    assertThat(template.render(messages, false, tokenizer.templateVariables())).as("seed %d", seed)
        .startsWith(tokenizer.decode(sample.ids(), false).replaceFirst("</s>$", ""));
  }
}
