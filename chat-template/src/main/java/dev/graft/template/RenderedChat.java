package dev.graft.template;

import java.util.List;
import org.apiguardian.api.API;

/**
 * Holds a conversation as text.
 *
 * @param generated what stands in {@code {% generation %}} blocks, in order: the assistant's words; empty if
 *   the template marks none
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record RenderedChat(String text, List<Span> generated) {
  /** Copies the list. */
  public RenderedChat {
    generated = List.copyOf(generated);
  }
}
