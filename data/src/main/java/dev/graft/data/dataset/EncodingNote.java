package dev.graft.data.dataset;

import org.apiguardian.api.API;

/**
 * Says that a sample is not learned as it stands in the data.
 *
 * @param role whose message it is about, such as {@code assistant}; empty if it is not about a message
 * @param part what it is about, such as {@code message 2}
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record EncodingNote(Kind kind, String role, String part) {

  /** Says what was lost. */
  public enum Kind {
    /** The chat template leaves out words of a message. */
    WORDS,
    /** The chat template leaves out what the assistant thought. */
    REASONING,
    /** The chat template leaves out calls of functions. */
    TOOL_CALLS,
    /** The chat template leaves out the descriptions of the functions that may be called. */
    TOOLS,
    /** The text has the token that begins every text, which so is not put before it again. */
    BEGINNING,
    /** A message of another than the assistant is marked as to be learned. */
    MARK
  }

  /**
   * Returns a sentence without its full stop.
   *
   * @param place where the sample is, such as {@code train.jsonl, row 2}
   */
  public String sentence(String place) {
    String at = " (" + place + ")";
    return switch (kind) {
      case WORDS -> "the chat template leaves out words of " + part + at;
      case REASONING -> "the chat template leaves out the reasoning of " + part + at;
      case TOOL_CALLS -> "the chat template leaves out tool calls of " + part + at;
      case TOOLS -> "the chat template leaves out the descriptions of the tools" + at;
      case BEGINNING -> part + " begins with the token that is put before every text, so it is not put there"
          + " again" + at;
      case MARK -> part + " is marked as to be learned, but only what the assistant says is learned" + at;
    };
  }
}
