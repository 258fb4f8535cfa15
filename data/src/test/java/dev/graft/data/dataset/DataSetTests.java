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
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

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
    "{\"prompt\": \"a\", \"completion\": 5} | line 1: the field \"completion\" must be a string, and is a number: 5",
    "{\"prompt\": \"a\", \"completion\": null} | line 1: the field \"completion\" must be a string, and is null",
    "{\"mesages\": []} | line 1: the field \"messages\" is missing; there are the fields \"mesages\"; is \"mesages\" meant?",
    "{\"q\": \"a\", \"zzzzz\": \"b\"} | line 1: the fields \"q\", \"zzzzz\" are none of the known shapes",
    "{\"messages\": [{\"role\": \"user\", \"contnt\": \"b\"}]} | line 1: the field \"messages[0].content\" is missing;"
        + " there are the fields \"role\", \"contnt\"; is \"contnt\" meant?",
    "{\"messages\": [{\"role\": \"user\", \"content\": \"b\"}]} | line 1: the field \"messages\" has no message of the role \"assistant\"",
    "{\"messages\": [\"hi\"]} | line 1: \"messages[0]\" must be an object, and is a string: \"hi\"",
    "{\"messages\": {}} | line 1: the field \"messages\" must be a list, and is an object: {}",
    "{\"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"image\"}]}]} | has a part of the type \"image\"",
    "{\"conversations\": [{\"from\": \"robot\", \"value\": \"b\"}]} | line 1: the field \"conversations[0].from\" is \"robot\"; known are human",
    "{\"conversations\": [{\"from\": \"function_call\", \"value\": \"b\"}]} | \"conversations[0].value\" must be the JSON of a call",
    "{\"text\": \"a\"}\\n\\n{\"text\": | line 3, column",
    "{\"text\": \"a\"} {\"text\": \"b\"} | line 1, column 15: there is text after the object",
    "{\"text\": \"a\", \"text\": \"b\"} | Duplicate",
    "\"text\" | line 1: every row must be a JSON object, and this is a string: \"text\"",
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
        .hasMessageContaining("latin.jsonl, line 2 is not text in UTF-8");
  }

  @Test
  void aMissingFileIsNamed() {
    assertThatThrownBy(() -> DataSet.read(folder.resolve("no.jsonl"), DataFormat.AUTO))
        .hasMessageContaining("no.jsonl does not exist");
    assertThatThrownBy(() -> DataSet.read(folder, DataFormat.AUTO)).hasMessageContaining("is a folder");
  }

  @ParameterizedTest
  @ValueSource(strings = {
    "{\"conversations\": [{\"role\": \"user\", \"content\": \"hi\"}, {\"role\": \"assistant\", \"content\": \"ho\"}]}",
    "{\"conversations\": [{\"from\": \"human\", \"value\": \"hi\"}, {\"from\": \"gpt\", \"value\": \"ho\"}]}",
    "{\"messages\": [{\"from\": \"human\", \"value\": \"hi\"}, {\"from\": \"gpt\", \"value\": \"ho\"}]}",
    "{\"messages\": [{\"role\": \"human\", \"content\": \"hi\"}, {\"role\": \"gpt\", \"content\": \"ho\"}]}",
    "{\"messages\": [{\"role\": \"user\", \"value\": \"hi\"}, {\"role\": \"assistant\", \"value\": \"ho\"}]}",
    "{\"conversations\": [{\"from\": \"user\", \"content\": \"hi\"}, {\"from\": \"assistant\", \"content\": \"ho\"}]}",
    "{\"conversation\": [{\"role\": \"user\", \"content\": \"hi\"}, {\"role\": \"assistant\", \"content\": \"ho\"}]}",
    "{\"prompt\": [{\"role\": \"user\", \"content\": \"hi\"}], \"completion\": [{\"role\": \"assistant\", \"content\": \"ho\"}]}"})
  void conversationsAreReadByAnyOfTheirNames(String row) throws IOException {
    assertThat(DataSet.read(file("a.jsonl", row), DataFormat.AUTO)).containsExactly(
        new Sample.Conversation(List.of(new Message("user", "hi"), new Message("assistant", "ho"))));
  }

  @Test
  void promptsAndCompletionsOfMessagesKeepTheToolsBesideThem() throws IOException {
    Sample.Conversation row = (Sample.Conversation) DataSet.read(file("a.jsonl", """
        {"prompt": [{"role": "system", "content": "s"}, {"role": "user", "content": "hi"}], \
        "completion": [{"role": "assistant", "content": "ho"}], "tools": [{"name": "f"}]}"""),
        DataFormat.AUTO).getFirst();
    assertThat(row.messages()).extracting(Message::role).containsExactly("system", "user", "assistant");
    assertThat(row.tools()).hasSize(1);
    Path silent = file("b.jsonl",
        """
            {"prompt": [{"role": "user", "content": "hi"}], "completion": [{"role": "user", "content": "ho"}]}""");
    assertThatThrownBy(() -> DataSet.read(silent, DataFormat.AUTO)).isInstanceOf(GraftException.class)
        .hasMessageContaining(
            "b.jsonl, line 1: the field \"prompt and completion\" has no message of the role");
  }

  @ParameterizedTest
  @ValueSource(strings = {"{\"data\": [{\"text\": \"a\"},\n{\"text\": \"b\"}]}",
    "{\n \"version\": 1, \"notes\": [\"x\", [{\"y\": 1}]], \"of\": {\"rows\": [{}]},\n \"train\": [\n {\"text\": \"a\"},\n"
        + " {\"text\": \"b\"}\n ],\n \"end\": []\n}\n",
    "\n\n{\"rows\":[{\"text\":\"a\"},{\"text\":\"b\"}]}"})
  void aListInsideOfAnObjectIsRead(String content) throws IOException {
    assertThat(DataSet.read(file("a.json", content), DataFormat.AUTO)).containsExactly(new Sample.Text("a"),
        new Sample.Text("b"));
  }

  @Test
  void anObjectOverSeveralLinesIsARow() throws IOException {
    assertThat(DataSet.read(file("a.json", "{\n  \"text\":\n  \"a\"\n}\n"), DataFormat.AUTO))
        .containsExactly(new Sample.Text("a"));
    assertThat(DataSet.read(file("b.json", "{\"turns\":\n[{\"role\": \"assistant\", \"content\": \"a\"}]}"),
        DataFormat.messages("turns")))
        .containsExactly(new Sample.Conversation(List.of(new Message("assistant", "a"))));
  }

  @Test
  void everySampleKnowsItsFileAndLine() throws IOException {
    Path lines = file("a.jsonl", "{\"text\": \"a\"}\n\n{\"text\": \"b\"}\n");
    assertThat(DataSet.read(lines, DataFormat.AUTO)).extracting(sample -> sample.origin().place())
        .containsExactly(lines + ", line 1", lines + ", line 3");
    Path list = file("b.json",
        "[{\"prompt\": \"a\", \"completion\": \"b\"},\n\n{\"prompt\": \"a\",\n \"completion\": \"b\"}]");
    assertThat(DataSet.read(list, DataFormat.AUTO)).extracting(sample -> sample.origin().place())
        .containsExactly(list + ", line 1", list + ", line 3");
    Path wrapped = file("c.json",
        "{\"data\": [\n{\"messages\": [{\"role\": \"assistant\", \"content\": \"a\"}]}]}");
    assertThat(DataSet.read(wrapped, DataFormat.AUTO)).extracting(sample -> sample.origin().place())
        .containsExactly(wrapped + ", line 2");
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', value = {"50415231150415 | a Parquet file",
    "28b52ffd001122 | compressed by Zstandard",
    "425a683931 | compressed by bzip2", "fd377a585a0000 | compressed by xz",
    "504b030414 | a zip archive or a spreadsheet",
    "4152524f5731 | an Arrow file", "ffffffff70 | an Arrow stream", "894844460d0a1a0a | an HDF5 file",
    "80049500 | a Python pickle", "255044462d | a PDF document", "fffe7b000a00 | text in UTF-16",
    "feff007b | text in UTF-16", "7b002200 | text in UTF-16", "005b007b | text in UTF-16",
    "fffe00007b000000 | text in UTF-32"})
  void otherFormatsAreNamedWithWhatIsRead(String bytes, String name) throws IOException {
    Path file = folder.resolve("data.jsonl");
    Files.write(file, HexFormat.of().parseHex(bytes));
    assertThatThrownBy(() -> DataSet.read(file, DataFormat.AUTO)).isInstanceOf(GraftException.class)
        .hasMessageStartingWith(
            file + ", line 1: the file is " + name + "; data are read from JSON in UTF-8");
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', quoteCharacter = '~', value = {
    "prompt,completion\\na,b | a table with separators",
    "text\\tlabel\\nx\\t1 | a table with separators",
    "\"prompt\",\"completion\"\\n\"a\",\"b\" | a table with separators",
    "true;false | a table with separators",
    "Once upon a time | this is not JSON; data are read from",
    "- prompt: a | this is not JSON; data are read from"})
  void textThatIsNotJsonIsNamed(String content, String name) throws IOException {
    Path file = file("data.txt", content.replace("\\n", "\n").replace("\\t", "\t"));
    assertThatThrownBy(() -> DataSet.read(file, DataFormat.AUTO)).isInstanceOf(GraftException.class)
        .hasMessageStartingWith(file + ", line 1: ").hasMessageContaining(name);
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', quoteCharacter = '~', value = {"<!DOCTYPE html> | is a web page",
    "version https://git-lfs.github.com/spec/v1\\noid | is a pointer of git LFS"})
  void whatLiesInTheFilesPlaceIsNamed(String content, String name) throws IOException {
    Path file = file("data.txt", content.replace("\\n", "\n"));
    assertThatThrownBy(() -> DataSet.read(file, DataFormat.AUTO)).isInstanceOf(GraftException.class)
        .hasMessageStartingWith(file.toString()).hasMessageContaining(name);
  }

  @Test
  void severalListsInOneObjectAreRefused() throws IOException {
    Path file = file("a.json", "{\"train\": [{\"text\": \"a\"}], \"test\": [{\"text\": \"b\"}]}");
    assertThatThrownBy(() -> DataSet.read(file, DataFormat.AUTO)).isInstanceOf(GraftException.class)
        .hasMessageContaining(
            "line 1: the file is one object with several lists of rows, \"train\", \"test\"");
  }

  @Test
  void anObjectThatGoesOnAfterItsLineSaysThatItNeedsOne() throws IOException {
    Path file = file("a.jsonl", "{\n\"text\": \"a\"\n}\n{\n\"text\": \"b\"\n}\n");
    assertThatThrownBy(() -> DataSet.read(file, DataFormat.AUTO)).isInstanceOf(GraftException.class)
        .hasMessageContaining("a.jsonl, line 1").hasMessageContaining("every object needs a line of its own");
  }

  @Test
  @Timeout(60)
  void whatIsNoFileIsRefusedByItsKind() throws Exception {
    Path pipe = folder.resolve("pipe");
    assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor()).isZero();
    assertThatThrownBy(() -> DataSet.read(pipe, DataFormat.AUTO)).isInstanceOf(GraftException.class)
        .hasMessageStartingWith("The data set " + pipe + " is a pipe");
    assertThatThrownBy(() -> DataSet.read(Path.of("/dev/zero"), DataFormat.AUTO))
        .isInstanceOf(GraftException.class).hasMessageStartingWith("The data set /dev/zero is a device");
  }

  @Test
  void rowsThatUnpackToMoreThanTheMemoryHoldsAreRefused() throws IOException {
    Path file = folder.resolve("bomb.jsonl.gz");
    byte[] rows = "{\"text\": \"\"}\n".repeat(1000).getBytes(StandardCharsets.UTF_8);
    try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
      for (int i = 0; i < 100; i++) {
        out.write(rows);
      }
    }
    List<Row> read = new ArrayList<>();
    assertThatThrownBy(() -> new RowFile(file, _ -> true, 2 << 20).read(read::add))
        .isInstanceOf(GraftException.class)
        .hasMessageContaining("bomb.jsonl.gz holds more than 2 MiB of rows");
    assertThat(read).hasSizeBetween(10_000, 20_000);
    Path line = folder.resolve("line.jsonl.gz");
    try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(line))) {
      out.write("[{\"text\": \"".getBytes(StandardCharsets.UTF_8));
      byte[] zeros = "0".repeat(1 << 20).getBytes(StandardCharsets.UTF_8);
      for (int i = 0; i < 8; i++) {
        out.write(zeros);
      }
    }
    assertThatThrownBy(() -> new RowFile(line, _ -> true, 2 << 20).read(read::add))
        .isInstanceOf(GraftException.class)
        .hasMessageContaining("line.jsonl.gz holds more than 2 MiB of rows");
  }

  @Test
  void damagedCompressionIsNamed() throws IOException {
    byte[] whole = Files.readAllBytes(Fixtures.path("samples/e2e.jsonl.gz"));
    Path file = folder.resolve("cut.jsonl.gz");
    for (int length : new int[]{5, 12, whole.length / 2, whole.length - 4}) {
      Files.write(file, Arrays.copyOf(whole, length));
      assertThatThrownBy(() -> DataSet.read(file, DataFormat.AUTO)).isInstanceOf(GraftException.class)
          .hasMessageStartingWith("The data set " + file + " is compressed by gzip and damaged or cut off");
    }
  }

  @Test
  void readingEndsWhenTheThreadIsInterrupted() throws IOException {
    Path file = file("a.jsonl", "{\"text\": \"a\"}\n{\"text\": \"b\"}\n");
    Thread.currentThread().interrupt();
    try {
      assertThatThrownBy(() -> DataSet.read(file, DataFormat.AUTO)).isInstanceOf(GraftException.class)
          .hasMessageContaining("a.jsonl, line 1").hasMessageContaining("interrupted");
    } finally {
      assertThat(Thread.interrupted()).isTrue();
    }
  }
}
