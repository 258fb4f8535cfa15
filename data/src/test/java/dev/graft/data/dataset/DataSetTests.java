package dev.graft.data.dataset;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.data.Fixtures;
import dev.graft.error.GraftException;
import dev.graft.template.Message;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DataSetTests {
  @TempDir
  Path folder;

  private Path file(String name, String content) throws IOException {
    return Files.writeString(folder.resolve(name), content);
  }

  private static List<Sample> sample(String name) {
    return DataSet.read(Fixtures.path("samples/" + name), DataFormat.AUTO);
  }

  @Test
  void readsPromptsAndCompletionsFromCompressedLines() {
    List<Sample> samples = sample("e2e.jsonl.gz");
    assertThat(samples).hasSize(40);
    assertThat(samples.getFirst()).isEqualTo(new Sample.PromptCompletion(
        "name[The Vaults], eatType[pub], priceRange[more than £30], customer rating[5 out of 5], near[Café Adriatic]",
        "The Vaults pub near Café Adriatic has a 5 star rating. Prices start at £30."));
  }

  @Test
  void readsAllReferencesOfARow() {
    assertThat(sample("e2e-test.jsonl").getFirst()).isEqualTo(new Sample.PromptCompletion(
        "name[Blue Spice], eatType[coffee shop], area[city centre]",
        "A coffee shop in the city centre area called Blue Spice.",
        List.of("A coffee shop in the city centre area called Blue Spice.",
            "Blue Spice is a coffee shop in city centre.")));
  }

  @Test
  void readsNamedColumns() {
    List<Sample> samples = DataSet.read(Fixtures.path("samples/gsm8k.jsonl"),
        DataFormat.columns("question", "answer"));
    assertThat(samples).hasSize(3).allSatisfy(sample -> {
      Sample.PromptCompletion pair = (Sample.PromptCompletion) sample;
      assertThat(pair.prompt()).endsWith("?");
      assertThat(pair.completion()).contains("#### ");
    });
    assertThat(DataSet.read(Fixtures.path("samples/pubmedqa.jsonl"), DataFormat.text("context"))).hasSize(3)
        .allSatisfy(sample -> assertThat(((Sample.Text) sample).text()).hasSizeGreaterThan(100));
  }

  @Test
  void readsConversationsOfBothFormsFromANamedColumn() throws IOException {
    List<Sample> expected = List.of(
        new Sample.Conversation(List.of(new Message("user", "Hi"), new Message("assistant", "Hello"))));
    assertThat(DataSet.read(file("o.jsonl", """
        {"turns": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}
        """), DataFormat.messages("turns"))).isEqualTo(expected);
    assertThat(DataSet.read(file("s.jsonl", """
        {"turns": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}]}
        """), DataFormat.messages("turns"))).isEqualTo(expected);
    Path silent = file("n.jsonl", "{\"turns\": [{\"role\": \"user\", \"content\": \"Hi\"}], \"id\": 1}\n");
    assertThatThrownBy(() -> DataSet.read(silent, DataFormat.messages("turns")))
        .isInstanceOf(GraftException.class).hasMessageContaining("\"turns\" has no message of the role");
    assertThatThrownBy(() -> DataSet.read(silent, DataFormat.messages("turn")))
        .hasMessageContaining(
            "\"turn\" is missing; there are the fields \"turns\", \"id\"; is \"turns\" meant?");
  }

  @Test
  void readsAlpacaRows() throws IOException {
    assertThat(sample("alpaca_en_demo.json")).hasSize(4);
    assertThat(DataSet.read(file("a.json", """
        [{"instruction": "Add.", "input": "1 2", "output": "3"},
         {"instruction": "Hi", "input": "", "output": "Hello"},
         {"instruction": "And?", "input": null, "output": "So", "system": "Be kind.",
          "history": [["a", "b"]]}]"""), DataFormat.AUTO)).containsExactly(
        new Sample.PromptCompletion("Add.\n1 2", "3"), new Sample.PromptCompletion("Hi", "Hello"),
        new Sample.Conversation(List.of(new Message("system", "Be kind."), new Message("user", "a"),
            new Message("assistant", "b"), new Message("user", "And?"), new Message("assistant", "So"))));
  }

  @Test
  void readsOpenAiMessages() throws IOException {
    assertThat(sample("messages_openai.json")).hasSize(4).allSatisfy(
        sample -> assertThat(((Sample.Conversation) sample).messages().getFirst().role()).isEqualTo("user"));
    Sample.Conversation calls = (Sample.Conversation) DataSet.read(
        file("m.jsonl",
            """
                {"messages": [{"role": "user", "content": [{"type": "text", "text": "1+"}, {"type": "text", "text": "1"}]}, \
                {"role": "assistant", "content": null, "tool_calls": [{"id": "c1"}]}, \
                {"role": "tool", "content": "2", "tool_call_id": "c1"}, {"role": "assistant", "content": "Two."}], \
                "tools": [{"type": "function", "function": {"name": "add"}}]}
                """),
        DataFormat.AUTO).getFirst();
    assertThat(calls.messages()).extracting(Message::content).containsExactly("1+1", "", "2", "Two.");
    assertThat(calls.messages().get(1).fields()).containsEntry("content", null)
        .containsEntry("tool_calls", List.of(Map.of("id", "c1")));
    assertThat(calls.messages().get(2).fields()).containsEntry("tool_call_id", "c1");
    assertThat(calls.tools()).containsExactly(Map.of("type", "function", "function", Map.of("name", "add")));
  }

  @Test
  void readsShareGptConversations() {
    assertThat(sample("sharegpt_multiturn.json")).hasSize(4);
    assertThat(((Sample.Conversation) sample("sharegpt_multiturn.json").getFirst()).messages())
        .extracting(Message::role).startsWith("system", "user", "assistant", "user", "assistant");
  }

  @Test
  void readsCallsOfShareGpt() {
    Sample.Conversation conversation = (Sample.Conversation) sample("sharegpt_toolcall.json").getFirst();
    Message call = conversation.messages().get(1);
    assertThat(call.role()).isEqualTo("assistant");
    assertThat(call.fields()).containsEntry("content", null).containsEntry("tool_calls",
        List.of(Map.of("type", "function", "function", Map.of("name", "calculate_tip", "arguments",
            Map.of("bill_amount", 100L, "tip_percentage", 15L)))));
    assertThat(conversation.messages().get(2).role()).isEqualTo("tool");
    assertThat((Map<?, ?>) conversation.tools().getFirst()).extracting("type").isEqualTo("function");
  }

  @Test
  void linesMayBeBlankAndHaveAMarkAndWindowsEnds() throws IOException {
    assertThat(
        DataSet.read(file("t.jsonl", "\ufeff{\"text\": \"a\"}\r\n\r\n{\"text\": \"b\"}"), DataFormat.AUTO))
        .containsExactly(new Sample.Text("a"), new Sample.Text("b"));
  }

  @Test
  void compressionIsToldByTheContent() throws IOException {
    Path file = folder.resolve("data.json");
    try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
      out.write("[{\"text\": \"zipped\"}]".getBytes(StandardCharsets.UTF_8));
    }
    assertThat(DataSet.read(file, DataFormat.AUTO)).containsExactly(new Sample.Text("zipped"));
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', quoteCharacter = '~', value = {
    "{\"prompt\": \"a\", \"completion\": \"b\"}\\n{\"prompt\": \"a\", \"completon\": \"b\"} | line 2: the field"
        + " \"completion\" is missing; there are the fields \"prompt\", \"completon\"; is \"completon\" meant?",
    "{\"prompt\": \"a\", \"completion\": 5} | line 1: the field \"completion\" must be a text, and is a number: 5",
    "{\"prompt\": \"a\", \"completion\": null} | line 1: the field \"completion\" must be a text, and is null",
    "{\"mesages\": []} | line 1: the field \"messages\" is missing; there are the fields \"mesages\"; is \"mesages\" meant?",
    "{\"q\": \"a\", \"zzzzz\": \"b\"} | line 1: the fields \"q\", \"zzzzz\" are none of the known shapes",
    "{\"messages\": [{\"role\": \"user\", \"contnt\": \"b\"}]} | line 1: the field \"messages[0].content\" is missing;"
        + " there are the fields \"role\", \"contnt\"; is \"contnt\" meant?",
    "{\"messages\": [{\"role\": \"user\", \"content\": \"b\"}]} | line 1: the field \"messages\" has no message of the role \"assistant\"",
    "{\"messages\": [\"hi\"]} | line 1: \"messages[0]\" must be an object, and is a text: \"hi\"",
    "{\"messages\": {}} | line 1: the field \"messages\" must be a list, and is an object: {}",
    "{\"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"image\"}]}]} | has a part of the type \"image\"",
    "{\"conversations\": [{\"from\": \"robot\", \"value\": \"b\"}]} | line 1: the field \"conversations[0].from\" is \"robot\"; known are human",
    "{\"conversations\": [{\"from\": \"function_call\", \"value\": \"b\"}]} | \"conversations[0].value\" must be the JSON of a call",
    "{\"text\": \"a\"}\\n\\n{\"text\": | line 3, column",
    "{\"text\": \"a\"} {\"text\": \"b\"} | line 1, column 15: there is text after the object",
    "{\"text\": \"a\", \"text\": \"b\"} | Duplicate",
    "\"text\" | line 1: every row must be a JSON object, and this is a text: \"text\"",
    "[{\"text\": \"a\"},\\n\\n {\"txt\": \"b\"}] | line 3: the field \"text\" is missing",
    "[{\"text\": \"a\"},\\n5] | line 2: every row must be a JSON object, and this is a number: 5",
    "[{\"text\": \"a\"}, | line 1", "[{\"text\": \"a\"}] x | not valid JSON", "~~ | has no rows",
    "[] | has no rows"})
  void faultsSayWhereAndWhat(String content, String message) throws IOException {
    Path file = file("bad.jsonl", content.replace("\\n", "\n"));
    assertThatThrownBy(() -> DataSet.read(file, DataFormat.AUTO)).isInstanceOf(GraftException.class)
        .hasMessageContaining(file.toString()).hasMessageContaining(message);
  }

  @Test
  void aNamedColumnThatIsMissingIsReportedWithTheNearest() {
    assertThatThrownBy(
        () -> DataSet.read(Fixtures.path("samples/gsm8k.jsonl"), DataFormat.columns("question", "anser")))
        .hasMessageContaining("gsm8k.jsonl, line 1: the field \"anser\" is missing; there are the fields"
            + " \"question\", \"answer\"; is \"answer\" meant?");
  }

  @Test
  void pairsOfPreferencesAreRefused() {
    assertThatThrownBy(() -> sample("dpo_en_demo.json"))
        .hasMessageContaining("line 2: the field \"conversations\" has no answer")
        .hasMessageContaining("chosen and rejected answers are not supported");
  }

  @Test
  void bytesThatAreNotUtf8AreRefused() throws IOException {
    Path file = folder.resolve("latin.jsonl");
    Files.write(file, "{\"text\": \"a\"}\n{\"text\": \"é\"}".getBytes(StandardCharsets.ISO_8859_1));
    assertThatThrownBy(() -> DataSet.read(file, DataFormat.AUTO))
        .hasMessageContaining("latin.jsonl, line 2 is not a text in UTF-8");
  }

  @Test
  void aMissingFileIsNamed() {
    assertThatThrownBy(() -> DataSet.read(folder.resolve("no.jsonl"), DataFormat.AUTO))
        .hasMessageContaining("no.jsonl does not exist");
    assertThatThrownBy(() -> DataSet.read(folder, DataFormat.AUTO)).hasMessageContaining("is a folder");
  }
}
