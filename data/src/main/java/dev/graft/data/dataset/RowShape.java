package dev.graft.data.dataset;

import dev.graft.error.GraftException;
import dev.graft.error.Nearest;
import dev.graft.template.Message;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/** Reads rows of one shape. */
interface RowShape {
  /** Names the messages of a prompt and its completion together. */
  String JOINED = "prompt and completion";

  Sample sample(Row row);

  static RowShape of(DataFormat format, Row first) {
    return switch (format) {
      case DataFormat.Recognised _ -> Known.of(first).shape;
      case DataFormat.Columns columns -> row -> pair(row, columns.prompt(), columns.completion());
      case DataFormat.TextColumn text -> row -> new Sample.Text(row.text(text.column()));
      case DataFormat.MessagesColumn messages -> row -> conversation(row, messages.column());
    };
  }

  /**
   * Tells whether an object is a row of a format, by its fields. Those that hold messages, and so lists as the
   * object of all rows does, may be misspelt.
   */
  static boolean fits(DataFormat format, Set<String> fields) {
    return switch (format) {
      case DataFormat.Recognised _ -> Arrays.stream(Known.values())
          .anyMatch(known -> known.fields.stream()
              .anyMatch(known.messages() ? field -> near(field, fields) : fields::contains));
      case DataFormat.Columns columns -> near(columns.prompt(), fields) || near(columns.completion(), fields);
      case DataFormat.TextColumn text -> fields.contains(text.column());
      case DataFormat.MessagesColumn messages -> near(messages.column(), fields);
    };
  }

  private static boolean near(String field, Set<String> fields) {
    return fields.contains(field) || Nearest.of(field, fields).isPresent();
  }

  /** The shapes that are recognised, the more telling fields first. */
  enum Known {
    MESSAGES(List.of("messages"), row -> conversation(row, "messages")), CONVERSATIONS(
        List.of("conversations"),
        row -> conversation(row, "conversations")), CONVERSATION(List.of("conversation"),
            row -> conversation(row, "conversation")), PROMPT(List.of("prompt", "completion"),
                row -> pair(row, "prompt", "completion")), ALPACA(List.of("instruction", "output"),
                    RowShape::alpaca), TEXT(List.of("text"), row -> new Sample.Text(row.text("text")));

    private final List<String> fields;
    private final RowShape shape;

    Known(List<String> fields, RowShape shape) {
      this.fields = fields;
      this.shape = shape;
    }

    private boolean messages() {
      return this != ALPACA && this != TEXT;
    }

    private static Known of(Row row) {
      for (Known known : values()) {
        if (row.fields().containsAll(known.fields)) {
          return known;
        }
      }
      throw unknown(row);
    }

    private static GraftException unknown(Row row) {
      for (Known known : values()) {
        for (String field : known.fields) {
          Optional<String> near = Nearest.of(field, row.fields());
          if (near.isPresent()) {
            String missing = known.fields.stream().filter(name -> !row.has(name)).findFirst().orElse(field);
            return row.missing(missing);
          }
        }
      }
      return row
          .fault("the fields \"" + String.join("\", \"", row.fields()) + "\" are none of the known shapes"
              + " (prompt and completion; messages; conversations; instruction, input and output; text);"
              + " name the columns of the prompt and the completion");
    }
  }

  /** Tells the two forms apart by the first message, which says who speaks in {@code role} or {@code from}. */
  private static Sample conversation(Row row, String column) {
    List<Row> messages = row.objects(column);
    boolean shareGpt = !messages.isEmpty() && messages.getFirst().has("from");
    return shareGpt ? ShareGptMessages.conversation(row, column) : OpenAiMessages.conversation(row, column);
  }

  /** A prompt and its completion are two texts, or two lists of messages, which make one conversation. */
  private static Sample pair(Row row, String prompt, String completion) {
    if (row.has(prompt) && row.node(prompt).isArray() && row.has(completion)
        && row.node(completion).isArray()) {
      return conversation(row.joined(JOINED, prompt, completion), JOINED);
    }
    String text = row.text(completion);
    Optional<String> system = SystemField.NAMES.contains(prompt) || SystemField.NAMES.contains(completion)
        ? Optional.empty()
        : SystemField.of(row);
    if (system.isPresent()) {
      return new Sample.Conversation(List.of(new Message("system", system.get()),
          new Message("user", row.text(prompt)), new Message("assistant", text)));
    }
    return new Sample.PromptCompletion(row.text(prompt), text, references(row, text));
  }

  private static List<String> references(Row row, String completion) {
    if (!row.has("references") || !row.node("references").isArray() || row.node("references").isEmpty()) {
      return List.of(completion);
    }
    List<String> references = new ArrayList<>();
    for (JsonNode reference : row.node("references").values()) {
      if (!reference.isString()) {
        throw row.fault("the field \"references\" must hold texts, and one is " + Row.shown(reference));
      }
      references.add(reference.stringValue());
    }
    return references;
  }

  /** The input, if any, stands below the instruction; earlier turns are pairs in the field {@code history}. */
  private static Sample alpaca(Row row) {
    String input = row.optionalText("input");
    String prompt = row.text("instruction") + (input.isEmpty() ? "" : "\n" + input);
    String output = row.text("output");
    String system = SystemField.of(row).orElse("");
    boolean earlier = row.has("history") && !row.node("history").isEmpty();
    if (system.isEmpty() && !earlier) {
      return new Sample.PromptCompletion(prompt, output, references(row, output));
    }
    List<Message> messages = new ArrayList<>();
    if (!system.isEmpty()) {
      messages.add(new Message("system", system));
    }
    if (earlier) {
      for (JsonNode turn : row.node("history").values()) {
        if (!turn.isArray() || turn.size() != 2 || !turn.get(0).isString() || !turn.get(1).isString()) {
          throw row.fault("the field \"history\" must hold pairs of texts, and has " + Row.shown(turn));
        }
        messages.add(new Message("user", turn.get(0).stringValue()));
        messages.add(new Message("assistant", turn.get(1).stringValue()));
      }
    }
    messages.add(new Message("user", prompt));
    messages.add(new Message("assistant", output, Map.of()));
    return new Sample.Conversation(messages);
  }
}
