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
  /** Returns where the sample was read. */
  Origin origin();

  /** Returns this sample as one that was read at a place. */
  Sample at(Origin origin);

  /**
   * Holds a prompt and the completion that is to be learned.
   *
   * @param references all completions that count as right, for measures such as BLEU; the completion itself if
   *   the row lists no others
   */
  record PromptCompletion(String prompt, String completion, List<String> references, Origin origin)
      implements
        Sample {
    /** Copies the list. */
    public PromptCompletion {
      references = List.copyOf(references);
    }

    /** Creates a pair that was read nowhere. */
    public PromptCompletion(String prompt, String completion, List<String> references) {
      this(prompt, completion, references, Origin.NONE);
    }

    /** Creates a pair whose completion is the only right one. */
    public PromptCompletion(String prompt, String completion) {
      this(prompt, completion, List.of(completion));
    }

    @Override
    public PromptCompletion at(Origin origin) {
      return new PromptCompletion(prompt, completion, references, origin);
    }
  }

  /**
   * Holds a conversation, in which what the assistant says is to be learned.
   *
   * @param tools descriptions of the functions that the assistant may call, made of maps, lists, texts,
   *   numbers, booleans and null; empty if there are none
   */
  record Conversation(List<Message> messages, List<@Nullable Object> tools, Origin origin)
      implements
        Sample {
    /** Copies the lists. */
    public Conversation(List<Message> messages, List<@Nullable Object> tools, Origin origin) {
      this.messages = List.copyOf(messages);
      this.tools = Collections.unmodifiableList(new ArrayList<>(tools));
      this.origin = origin;
    }

    /** Creates a conversation that was read nowhere. */
    public Conversation(List<Message> messages, List<@Nullable Object> tools) {
      this(messages, tools, Origin.NONE);
    }

    /** Creates a conversation without tools. */
    public Conversation(List<Message> messages) {
      this(messages, List.of());
    }

    @Override
    public Conversation at(Origin origin) {
      return new Conversation(messages, tools, origin);
    }
  }

  /** Holds a text that is to be learned from its first word to its last. */
  record Text(String text, Origin origin) implements Sample {
    /** Creates a text that was read nowhere. */
    public Text(String text) {
      this(text, Origin.NONE);
    }

    @Override
    public Text at(Origin origin) {
      return new Text(text, origin);
    }
  }
}
