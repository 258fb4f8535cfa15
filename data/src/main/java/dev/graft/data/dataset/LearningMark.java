package dev.graft.data.dataset;

import dev.graft.error.GraftException;
import dev.graft.template.Message;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Reads whether a message is marked as to be learned or not: by {@code weight} (OpenAI, mistral-finetune),
 * {@code train} (axolotl), {@code loss} (AgentInstruct), or names close to these.
 */
final class LearningMark {
  static final List<String> FIELDS = List.of("weight", "train", "training", "loss", "loss_weight");

  private LearningMark() {
  }

  /** Returns the mark of a message, if it has one. */
  static Optional<Boolean> of(Message message) {
    return of(message.fields());
  }

  /**
   * Returns the mark among the fields of a message, if there is one.
   *
   * @throws GraftException if a mark says neither yes nor no, or two say different things
   */
  static Optional<Boolean> of(Map<String, @Nullable Object> fields) {
    Optional<Boolean> mark = Optional.empty();
    String first = "";
    for (String field : FIELDS) {
      Object value = fields.get(field);
      if (value != null) {
        boolean learned = truth(field, value);
        if (mark.isPresent() && mark.get() != learned) {
          throw new GraftException("\"" + first + "\" and \"" + field
              + "\" of a message say different things of whether it is to be learned");
        }
        mark = Optional.of(learned);
        first = field;
      }
    }
    return mark;
  }

  private static boolean truth(String field, Object value) {
    if (value instanceof Boolean truth) {
      return truth;
    }
    if (value instanceof Number number && (number.doubleValue() == 0 || number.doubleValue() == 1)) {
      return number.doubleValue() == 1;
    }
    throw new GraftException("the field \"" + field + "\" of a message is " + value
        + "; known are 0 or false (not learned) and 1 or true (learned)");
  }
}
