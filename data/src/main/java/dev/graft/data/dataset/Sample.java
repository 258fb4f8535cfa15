package dev.graft.data.dataset;

import dev.graft.template.Message;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.apiguardian.api.API;
import org.jspecify.annotations.Nullable;

/** Holds one row of a data set. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public sealed interface Sample {

  /**
   * Holds a prompt and the completion that is to be learned.
   *
   * @param references all completions that count as right, for measures such as BLEU; the completion itself if
   *   the row lists no others
   */
  record PromptCompletion(String prompt, String completion, List<String> references) implements Sample {
    /** Copies the list. */
    public PromptCompletion {
      references = List.copyOf(references);
    }

    /** Creates a pair whose completion is the only right one. */
    public PromptCompletion(String prompt, String completion) {
      this(prompt, completion, List.of(completion));
    }
  }

  /**
   * Holds a conversation, in which what the assistant says is to be learned.
   *
   * @param tools descriptions of the functions that the assistant may call, made of maps, lists, texts,
   *   numbers, booleans and null; empty if there are none
   */
  record Conversation(List<Message> messages, List<@Nullable Object> tools) implements Sample {
    /** Copies the lists. */
    public Conversation(List<Message> messages, List<@Nullable Object> tools) {
      this.messages = List.copyOf(messages);
      this.tools = Collections.unmodifiableList(new ArrayList<>(tools));
    }

    /** Creates a conversation without tools. */
    public Conversation(List<Message> messages) {
      this(messages, List.of());
    }
  }

  /** Holds a text that is to be learned from its first word to its last. */
  record Text(String text) implements Sample {}
}
