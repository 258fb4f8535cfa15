package dev.graft.data.dataset;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.data.Fixtures;
import dev.graft.data.tokenizer.Tokenizer;
import dev.graft.error.GraftException;
import dev.graft.spi.TokenSample;
import dev.graft.template.Message;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SampleEncoderTests {
  /** As the base model's template, but with the assistant's words marked. */
  private static final String MARKED = "{{ bos_token }}{% for m in messages %}<|{{ m.role }}|>\n"
      + "{% if m.role == 'assistant' %}{% generation %}{{ m.content }}<|end|>{% endgeneration %}"
      + "{% else %}{{ m.content }}<|end|>{% endif %}{{ '\\n' }}{% endfor %}"
      + "{% if add_generation_prompt %}<|assistant|>\n{% endif %}";
  /** Shows the thoughts of the last turn alone, and adds empty ones there, as reasoning models do. */
  private static final String THINKING = "{{ bos_token }}{% for m in messages %}<|{{ m.role }}|>\n"
      + "{% if m.role == 'assistant' and loop.last %}{% if '<think>' not in m.content %}<think></think>{% endif %}"
      + "{{ m.content }}{% else %}{{ m.content.split('</think>')[-1] | trim }}{% endif %}<|end|>\n{% endfor %}"
      + "{% if add_generation_prompt %}<|assistant|>\n{% endif %}";

  private Tokenizer base = Tokenizer.open(Fixtures.path("models/base"));

  @BeforeAll
  void open() {
    assertThat(base.chatTemplate()).isPresent();
  }

  @AfterAll
  void close() {
    base.close();
  }

  private static Tokenizer withTemplate(Path folder, String template) throws IOException {
    for (String name : List.of("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")) {
      Files.copy(Fixtures.path("models/base/" + name), folder.resolve(name),
          StandardCopyOption.REPLACE_EXISTING);
    }
    Files.writeString(folder.resolve("chat_template.jinja"), template);
    return Tokenizer.open(folder);
  }

  /** Returns what is learned, as text. */
  private static String learned(Tokenizer tokenizer, EncodedSample sample) {
    StringBuilder text = new StringBuilder();
    List<Long> run = new ArrayList<>();
    for (int i = 0; i <= sample.length(); i++) {
      if (i < sample.length() && sample.labels()[i] != TokenSample.IGNORED) {
        assertThat(sample.labels()[i]).isEqualTo(sample.ids()[i]);
        run.add(sample.labels()[i]);
      } else if (!run.isEmpty()) {
        text.append('[').append(tokenizer.decode(run.stream().mapToLong(Long::longValue).toArray(), false))
            .append(']');
        run.clear();
      }
    }
    return text.toString();
  }

  @Test
  void encodesTheDemoAsTheReferenceImplementationDoes() {
    SampleEncoder encoder = new SampleEncoder(base, 512, true);
    List<Sample> samples = DataSet.read(Fixtures.path("samples/e2e.jsonl.gz"), DataFormat.AUTO);
    List<Map<String, @Nullable Object>> expected = Fixtures.lines("encoded-e2e.jsonl");
    assertThat(expected).hasSameSizeAs(samples);
    for (int i = 0; i < samples.size(); i++) {
      long[] prompt = Fixtures.ids(expected.get(i).get("prompt"));
      long[] completion = Fixtures.ids(expected.get(i).get("completion"));
      assertThat(encoder.encode(samples.get(i))).isEqualTo(EncodedSample.of(prompt, completion));
      assertThat(encoder.prompt(((Sample.PromptCompletion) samples.get(i)).prompt())).isEqualTo(prompt);
    }
  }

  @Test
  void encodesManySamplesAtOnceInTheirOrder() {
    SampleEncoder encoder = new SampleEncoder(base, 512, true);
    List<Sample> samples = DataSet.read(Fixtures.path("samples/e2e.jsonl.gz"), DataFormat.AUTO);
    assertThat(encoder.encodeAll(samples)).isEqualTo(samples.stream().map(encoder::encode).toList());
  }

  @Test
  void marksWhatTheLibraryMarksByGenerationBlocks(@TempDir Path folder) throws IOException {
    try (Tokenizer marked = withTemplate(folder, MARKED)) {
      assertThat(Fixtures.lines("generation-masks.jsonl")).isNotEmpty().allSatisfy(row -> {
        long[] ids = Fixtures.ids(row.get("ids"));
        long[] mask = Fixtures.ids(row.get("mask"));
        Sample conversation = new Sample.Conversation(Fixtures.messages(row.get("messages")));
        EncodedSample byBlocks = new SampleEncoder(marked, 10_000, true).encode(conversation);
        EncodedSample byPrefixes = new SampleEncoder(base, 10_000, true).encode(conversation);
        int length = lastIndexOf(mask, 1) + 1;
        assertThat(byBlocks.ids()).isEqualTo(LongStream.of(ids).limit(length).toArray());
        for (int i = 0; i < length; i++) {
          assertThat(byBlocks.labels()[i]).isEqualTo(mask[i] == 1 ? ids[i] : TokenSample.IGNORED);
        }
        assertThat(byPrefixes).isEqualTo(byBlocks);
      });
    }
  }

  private static int lastIndexOf(long[] values, long wanted) {
    int last = -1;
    for (int i = 0; i < values.length; i++) {
      last = values[i] == wanted ? i : last;
    }
    return last;
  }

  @Test
  void aConversationOfOneTurnIsAPair() {
    SampleEncoder encoder = new SampleEncoder(base, 512, true);
    assertThat(encoder.encode(
        new Sample.Conversation(List.of(new Message("user", "Hi"), new Message("assistant", "Hello!")))))
        .isEqualTo(encoder.encode(new Sample.PromptCompletion("Hi", "Hello!")));
  }

  @Test
  void thoughtsThatTheTemplateDropsAreNotLearned(@TempDir Path folder) throws IOException {
    try (Tokenizer thinking = withTemplate(folder, THINKING)) {
      SampleEncoder encoder = new SampleEncoder(thinking, 512, true);
      EncodedSample sample = encoder.encode(new Sample.Conversation(List.of(new Message("user", "One?"),
          new Message("assistant", "<think>hm</think>\nFirst."), new Message("user", "Two?"),
          new Message("assistant", "<think>so</think>Second."))));
      assertThat(learned(thinking, sample)).isEqualTo("[First.<|end|>][<think>so</think>Second.<|end|>]");
      assertThat(learned(thinking, encoder.encode(new Sample.Conversation(List.of(new Message("user", "One?"),
          new Message("assistant", "First."), new Message("user", "Two?"),
          new Message("assistant", "Second."))))))
          .isEqualTo("[First.<|end|>][<think></think>Second.<|end|>]");
    }
  }

  @Test
  void theWordsOfTheUserAreNeverLearnedEvenIfTheyAreThoseOfTheAssistant() {
    EncodedSample sample = new SampleEncoder(base, 512, true).encode(new Sample.Conversation(
        List.of(new Message("user", "Say <|assistant|>\nno<|end|>"), new Message("assistant", "no"),
            new Message("user", "no"), new Message("assistant", "no"))));
    assertThat(learned(base, sample)).isEqualTo("[no<|end|>][no<|end|>]");
  }

  @Test
  void aTemplateThatHidesTheAssistantsWordsIsRefused(@TempDir Path folder) throws IOException {
    try (Tokenizer hiding = withTemplate(folder,
        "{% for m in messages %}{{ m.role }}{% if loop.last %}: {{ m.content }}{% endif %}\n{% endfor %}"
            + "{% if add_generation_prompt %}!{% endif %}")) {
      assertThatThrownBy(() -> new SampleEncoder(hiding, 512, true).encode(new Sample.Conversation(
          List.of(new Message("user", "a"), new Message("assistant", "b"), new Message("user", "c"),
              new Message("assistant", "d")))))
          .isInstanceOf(GraftException.class).hasMessageContaining("Message 2 of the conversation")
          .hasMessageContaining("{% generation %}");
    }
  }

  @Test
  void callsAreLearnedAsJsonWhereTheTemplateDoesNotKnowThem() {
    Sample sample = DataSet.read(Fixtures.path("samples/sharegpt_toolcall.json"), DataFormat.AUTO).getFirst();
    assertThat(learned(base, new SampleEncoder(base, 512, true).encode(sample))).isEqualTo(
        "[{\"name\": \"calculate_tip\", \"arguments\": {\"bill_amount\": 100, \"tip_percentage\": 15}}<|end|>]"
            + "[The tip amount for your bill is $15.<|end|>]");
  }

  @Test
  void callsAreLearnedAsTheTemplateWritesThem(@TempDir Path folder) throws IOException {
    try (Tokenizer calling = withTemplate(folder,
        "{% for m in messages %}<|{{ m.role }}|>\n{% if m.tool_calls %}{% for c in m.tool_calls %}"
            + "CALL {{ c.function.name }}{% endfor %}{% else %}{{ m.content }}{% endif %}<|end|>\n{% endfor %}"
            + "{% if add_generation_prompt %}<|assistant|>\n{% endif %}")) {
      Sample sample = DataSet.read(Fixtures.path("samples/sharegpt_toolcall.json"), DataFormat.AUTO)
          .getFirst();
      assertThat(learned(calling, new SampleEncoder(calling, 512, true).encode(sample)))
          .isEqualTo("[CALL calculate_tip<|end|>][The tip amount for your bill is $15.<|end|>]");
    }
  }

  @Test
  void withoutATemplateACompletionEndsWithTheEndOfText() {
    EncodedSample sample = new SampleEncoder(base, 512, false).encode(new Sample.PromptCompletion("a", " a"));
    assertThat(sample)
        .isEqualTo(new EncodedSample(new long[]{0, 71, 265, 1}, new long[]{-100, -100, 265, 1}));
    assertThat(new SampleEncoder(base, 512, false).prompt("a")).containsExactly(0, 71);
  }

  @Test
  void aTextIsLearnedFromStartToEnd() {
    EncodedSample sample = new SampleEncoder(base, 512, true).encode(new Sample.Text("a a"));
    assertThat(sample).isEqualTo(new EncodedSample(new long[]{0, 71, 265, 1}, new long[]{0, 71, 265, 1}));
  }

  @Test
  void aConversationWithoutATemplateIsOneMessageALine() {
    EncodedSample sample = new SampleEncoder(base, 512, false).encode(new Sample.Conversation(
        List.of(new Message("user", "Hi"), new Message("assistant", "Yes"), new Message("user", "Hi"),
            new Message("assistant", "No"))));
    assertThat(base.decode(sample.ids(), false)).isEqualTo("<s>Hi\nYes</s>Hi\nNo</s>");
    assertThat(learned(base, sample)).isEqualTo("[Yes</s>][No</s>]");
  }

  @Test
  void whatIsTooLongKeepsSomethingToLearn() {
    SampleEncoder encoder = new SampleEncoder(base, 32, true);
    String much = "many words ".repeat(100);
    EncodedSample pair = encoder.encode(new Sample.PromptCompletion(much, "Yes."));
    assertThat(pair.length()).isEqualTo(32);
    assertThat(learned(base, pair)).isEqualTo("[Yes.<|end|>]");
    assertThat(base.decode(pair.ids(), false)).startsWith("<s><|user|>\nmany").endsWith(
        "<|end|>\n<|assistant|>\nYes.<|end|>");
    EncodedSample conversation = encoder.encode(new Sample.Conversation(List.of(new Message("user", much),
        new Message("assistant", "Yes."), new Message("user", much), new Message("assistant", "No."))));
    assertThat(conversation.length()).isEqualTo(32);
    assertThat(learned(base, conversation)).isEqualTo("[Yes.<|end|>]");
    EncodedSample answer = encoder.encode(new Sample.PromptCompletion("Hi", much));
    assertThat(answer.length()).isEqualTo(32);
    assertThat(learned(base, answer)).startsWith("[many words").doesNotContain("<|end|>");
  }

  @Test
  void aConversationWithoutTheAssistantIsRefused() {
    assertThatThrownBy(
        () -> new SampleEncoder(base, 32, true)
            .encode(new Sample.Conversation(List.of(new Message("user", "a")))))
        .isInstanceOf(GraftException.class).hasMessageContaining("no message of the assistant");
  }

  @Test
  void aRowThatTheTemplateRefusesIsNamedWhicheverThreadMeetsIt(@TempDir Path folder) throws IOException {
    String strict = "{% if messages[0].role != 'user' %}{{ raise_exception('the user begins') }}{% endif %}"
        + "{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}<|end|>\n{% endfor %}";
    Path data = folder.resolve("data.jsonl");
    StringBuilder rows = new StringBuilder();
    for (int i = 1; i <= 400; i++) {
      String first = i % 150 == 0 ? "system" : "user";
      rows.append("{\"messages\": [{\"role\": \"").append(first)
          .append("\", \"content\": \"a\"}, {\"role\": \"assistant\", \"content\": \"b\"}]}\n");
    }
    Files.writeString(data, rows);
    try (Tokenizer tokenizer = withTemplate(folder, strict)) {
      SampleEncoder encoder = new SampleEncoder(tokenizer, 64, true);
      assertThatThrownBy(() -> encoder.encodeAll(DataSet.read(data, DataFormat.AUTO)))
          .isInstanceOf(GraftException.class).hasMessageStartingWith(data + ", line 150: ")
          .hasMessageContaining("chat_template.jinja, line 1").hasMessageEndingWith("the user begins");
    }
  }

  @Test
  void aRowWithATokenThatTheModelLacksIsNamed(@TempDir Path folder) throws IOException {
    Files.copy(Fixtures.path("models/llama/tokenizer.json"), folder.resolve("tokenizer.json"));
    Path data = Files.writeString(folder.resolve("data.jsonl"),
        "{\"text\": \"a\"}\n{\"text\": \"the name of it\"}\n");
    long beyond;
    try (Tokenizer whole = Tokenizer.open(Fixtures.path("models/llama"))) {
      beyond = Arrays.stream(whole.encode("the name of it", false)).max().orElseThrow();
    }
    Files.writeString(folder.resolve("config.json"), "{\"vocab_size\": " + beyond + "}");
    try (Tokenizer tokenizer = Tokenizer.open(folder)) {
      SampleEncoder encoder = new SampleEncoder(tokenizer, 64, true);
      assertThatThrownBy(() -> encoder.encodeAll(DataSet.read(data, DataFormat.AUTO)))
          .isInstanceOf(GraftException.class).hasMessageStartingWith(data + ", line 2: ")
          .hasMessageContaining(" is " + beyond + ",").hasMessageContaining(beyond + " tokens only");
    }
  }
}
