package dev.graft.data.dataset;

import org.apiguardian.api.API;

/** Says which fields of a row hold what. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public sealed interface DataFormat {
  /**
   * Recognises the shape by the fields of the first row: {@code prompt} and {@code completion};
   * {@code messages} with {@code role} and {@code content} (OpenAI); {@code conversations} with {@code from}
   * and {@code value} (ShareGPT); {@code instruction}, {@code input} and {@code output} (Alpaca); or
   * {@code text}.
   */
  DataFormat AUTO = new Recognised();

  /** Takes prompts and completions from fields of any names. */
  static DataFormat columns(String prompt, String completion) {
    return new Columns(prompt, completion);
  }

  /** Takes whole texts from a field of any name. */
  static DataFormat text(String column) {
    return new TextColumn(column);
  }

  /** Takes conversations, in the form of OpenAI's or ShareGPT's messages, from a field of any name. */
  static DataFormat messages(String column) {
    return new MessagesColumn(column);
  }

  /** See {@link #AUTO}. */
  record Recognised() implements DataFormat {}

  /** See {@link #columns}. */
  record Columns(String prompt, String completion) implements DataFormat {}

  /** See {@link #text}. */
  record TextColumn(String column) implements DataFormat {}

  /** See {@link #messages}. */
  record MessagesColumn(String column) implements DataFormat {}
}
