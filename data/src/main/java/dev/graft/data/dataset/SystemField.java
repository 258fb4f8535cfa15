package dev.graft.data.dataset;

import dev.graft.template.Message;
import java.util.List;
import java.util.Optional;

/** Reads the system message that some data have in a field of the row. */
final class SystemField {
  static final List<String> NAMES = List.of("system", "system_prompt");

  private SystemField() {
  }

  /** Returns the system message of a row, if its field is there and not empty. */
  static Optional<String> of(Row row) {
    Optional<String> found = Optional.empty();
    String first = "";
    for (String name : NAMES) {
      String text = row.optionalText(name);
      if (!text.isEmpty()) {
        if (found.isPresent() && !found.get().equals(text)) {
          throw row.fault("the fields \"" + first + "\" and \"" + name + "\" differ; keep one of them");
        }
        found = Optional.of(text);
        first = name;
      }
    }
    return found;
  }

  /** Puts a system message before others, unless it is there already. */
  static void putBefore(List<Message> messages, String system, Row row) {
    Optional<Message> there = messages.stream().filter(message -> message.role().equals("system"))
        .findFirst();
    if (there.isEmpty()) {
      messages.addFirst(new Message("system", system));
    } else if (!there.get().content().strip().equals(system.strip())) {
      throw row.fault("the row has a system message in a field of its own, and another among its messages;"
          + " keep one of them");
    }
  }
}
