package dev.graft.template;

import java.util.List;
import org.apiguardian.api.API;

/**
 * Holds a conversation as text.
 *
 * @param generated what stands in {@code {% generation %}} blocks, in order: the assistant's words; empty if
 *   the template marks none
 * @param messages what the template wrote while a loop was at a message, in the order of the loops' ends; empty
 *   if it does not loop over the messages themselves
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record RenderedChat(String text, List<Span> generated, List<MessageSpan> messages) {
  /** Copies the lists. */
  public RenderedChat {
    generated = List.copyOf(generated);
    messages = List.copyOf(messages);
  }

  /** Holds a text of which nothing is known of messages. */
  public RenderedChat(String text, List<Span> generated) {
    this(text, generated, List.of());
  }
}
