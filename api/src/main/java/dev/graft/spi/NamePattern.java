package dev.graft.spi;

import dev.graft.error.GraftException;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.apiguardian.api.API;

/**
 * Matches names of modules by a regular expression as Python's {@code re} understands it, which is how {@code
 * adapter_config.json} spells {@code target_modules}, {@code exclude_modules} and the keys of {@code
 * rank_pattern}. The effort of a match is bounded, so that no expression can make a program hang.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class NamePattern {
  /** Far more than any sensible expression takes for a name, and well below a second. */
  private static final int MOST_STEPS = 2_000_000;

  private final String regex;
  private final Pattern pattern;

  private NamePattern(String regex, Pattern pattern) {
    this.regex = regex;
    this.pattern = pattern;
  }

  /**
   * Compiles an expression.
   *
   * @throws IllegalArgumentException if it is none in Python's spelling; the message says why and where
   */
  public static NamePattern compile(String regex) {
    PythonRegex.Translated java = PythonRegex.translate(regex);
    try {
      return new NamePattern(regex, Pattern.compile(java.regex(), java.flags()));
    } catch (PatternSyntaxException e) {
      throw new IllegalArgumentException(e.getDescription(), e);
    } catch (StackOverflowError e) {
      throw new IllegalArgumentException("it is nested too deeply", e);
    }
  }

  /**
   * Compiles a field of a configuration, and adds a fault to it if the field is no expression.
   *
   * @return a pattern that matches nothing if there is a fault
   */
  public static NamePattern compile(String regex, Configuration json, String key) {
    try {
      return compile(regex);
    } catch (IllegalArgumentException e) {
      json.fault(key, "has \"" + regex + "\", which is not a regular expression in Python's spelling: "
          + e.getMessage());
      return new NamePattern(regex, Pattern.compile("(?!)"));
    }
  }

  /**
   * Tells whether a whole name matches, as {@code re.fullmatch} does.
   *
   * @throws GraftException if the expression takes too many steps, as nested repetitions can
   */
  public boolean matches(String name) {
    return run(name, () -> pattern.matcher(new Counted(name, MOST_STEPS)).matches());
  }

  /**
   * Returns what the first group of the expression holds when its start matches the start of a name, as {@code
   * re.match} finds it; empty if there is no match.
   *
   * @throws GraftException if the expression takes too many steps, as nested repetitions can
   */
  public Optional<String> firstGroup(String name) {
    return run(name, () -> {
      Matcher matcher = pattern.matcher(new Counted(name, MOST_STEPS));
      return matcher.lookingAt() ? Optional.ofNullable(matcher.group(1)) : Optional.empty();
    });
  }

  /** Returns how many groups the expression captures. */
  public int groups() {
    return pattern.matcher("").groupCount();
  }

  private <T> T run(String name, Supplier<T> match) {
    try {
      return match.get();
    } catch (TooManySteps | StackOverflowError e) {
      throw new GraftException("The regular expression \"" + regex + "\" takes too long for the module name "
          + name
          + ": repetitions within repetitions, such as (a*)*, make it try endlessly. Write it simpler, or"
          + " name the modules in a list", e);
    }
  }

  /** Ends a match. */
  private static final class TooManySteps extends RuntimeException {
    private static final long serialVersionUID = 1;

    TooManySteps() {
      super(null, null, false, false);
    }
  }

  /** Counts how often a text is looked at; the regular expressions of Java cannot be interrupted otherwise. */
  private static final class Counted implements CharSequence {
    private final String text;
    private int left;

    Counted(String text, int most) {
      this.text = text;
      this.left = most;
    }

    @Override
    public int length() {
      return text.length();
    }

    @Override
    public char charAt(int index) {
      if (left-- == 0) {
        throw new TooManySteps();
      }
      return text.charAt(index);
    }

    @Override
    public CharSequence subSequence(int start, int end) {
      return text.substring(start, end);
    }

    @Override
    public String toString() {
      return text;
    }
  }
}
