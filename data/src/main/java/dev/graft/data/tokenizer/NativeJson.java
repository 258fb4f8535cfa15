package dev.graft.data.tokenizer;

import dev.graft.error.GraftException;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Sees to it that the native library can parse what Java could: it allows less depth, and no odd values. */
final class NativeJson {
  private static final int DEEPEST = 100;

  private NativeJson() {
  }

  /**
   * Checks a file's content.
   *
   * @throws GraftException if a number has no finite value, a text has an unpaired surrogate, or values are
   *   nested too deeply
   */
  static void require(Map<?, ?> content, Path file) {
    value(content, file, 0);
  }

  private static void value(@Nullable Object value, Path file, int depth) {
    if (depth > DEEPEST) {
      throw new GraftException(file + " nests values more than " + DEEPEST + " deep");
    }
    switch (value) {
      case Map<?, ?> map -> map.forEach((key, inner) -> {
        value(key, file, depth + 1);
        value(inner, file, depth + 1);
      });
      case Collection<?> list -> list.forEach(inner -> value(inner, file, depth + 1));
      case String text -> text(text, file);
      case Number number when !Double.isFinite(number.doubleValue()) -> throw new GraftException(
          file + " holds a number that is too large");
      case null, default -> {
      }
    }
  }

  private static void text(String text, Path file) {
    if (text.codePoints().anyMatch(c -> c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE)) {
      throw new GraftException(
          file + " holds a text that is not Unicode: it has an unpaired surrogate");
    }
  }
}
