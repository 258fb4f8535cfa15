package dev.graft.template;

import org.jspecify.annotations.Nullable;

/** Reports what is wrong with a template, before it is known who reads the message. */
final class TemplateFault extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final int line;

  /** Creates a fault at the line that is being rendered. */
  TemplateFault(String message) {
    this(message, 0, null);
  }

  TemplateFault(String message, int line) {
    this(message, line, null);
  }

  private TemplateFault(String message, int line, @Nullable Throwable cause) {
    super(message, cause, false, false);
    this.line = line;
  }

  /** Returns the line of the source, or the given one where the fault does not know its own. */
  int lineOr(int current) {
    return line > 0 ? line : current;
  }

  String text() {
    return String.valueOf(getMessage());
  }
}
