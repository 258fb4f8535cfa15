package dev.graft.cli;

import com.google.inject.ProvisionException;
import dev.graft.cli.text.Quantities;
import dev.graft.error.GraftException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileSystemException;
import java.nio.file.InvalidPathException;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.function.Function;
import java.util.stream.Stream;
import picocli.CommandLine;

/**
 * Says in one sentence what went wrong, whatever was thrown.
 *
 * @param sentence what happened and what to do
 * @param users whether a user can mend it; else it is a fault of Graft's own, whose trace is shown
 */
record FaultReport(String sentence, boolean users) {
  private static final int DEEPEST = 50;

  /**
   * Describes what was thrown.
   *
   * @param jarAtFault finds the jar of a plug-in that had part in it
   */
  static FaultReport of(Throwable thrown, Function<Throwable, Optional<String>> jarAtFault) {
    Throwable fault = unwrapped(thrown);
    if (fault instanceof GraftException) {
      return mendable(String.valueOf(fault.getMessage()));
    }
    Optional<String> jar = jarAtFault.apply(fault);
    Optional<OutOfMemoryError> memory = causes(fault).filter(OutOfMemoryError.class::isInstance)
        .map(OutOfMemoryError.class::cast).findFirst();
    if (memory.isPresent()) {
      return mendable("there is not enough memory" + jar.map(name -> " for the plug-in in " + name).orElse("")
          + " (" + memory.get().getMessage() + "; Java's heap may take "
          + Quantities.bytes(Runtime.getRuntime().maxMemory())
          + "): give smaller inputs, sizes or ranks, or allow more, as by JDK_JAVA_OPTIONS=-Xmx8g");
    }
    if (jar.isPresent()) {
      return mendable("the plug-in in " + jar.get() + " failed: " + words(fault) + ". Report it to its author"
          + " with the trace that --debug shows, or go on without that jar");
    }
    return switch (fault) {
      case StackOverflowError _ ->
        mendable("something in the files or options is nested too deeply to be read");
      case InvalidPathException path -> mendable(describe(path));
      case FileSystemException file -> mendable(file.getFile() + " cannot be read or written: "
          + (file.getReason() == null ? file.getClass().getSimpleName() : file.getReason()));
      case IOException io -> mendable("a file cannot be read or written: " + words(io));
      case InternalError internal when String.valueOf(internal.getMessage()).contains("memory access") ->
        mendable("a file was cut short or became unreadable while it was in use: restore it and try again");
      default -> new FaultReport(
          "this is a fault in Graft, not in what you did; please report it with the trace above", false);
    };
  }

  private static FaultReport mendable(String sentence) {
    return new FaultReport(sentence, true);
  }

  private static Throwable unwrapped(Throwable thrown) {
    return causes(thrown).filter(fault -> fault instanceof GraftException
        || !(fault instanceof ProvisionException || fault instanceof ExecutionException
            || fault instanceof CommandLine.ExecutionException
            || fault instanceof CommandLine.InitializationException || fault instanceof UncheckedIOException))
        .findFirst().orElse(thrown);
  }

  private static Stream<Throwable> causes(Throwable fault) {
    return Stream.iterate(Optional.of(fault), Optional::isPresent,
        at -> at.map(Throwable::getCause)).limit(DEEPEST).map(Optional::orElseThrow);
  }

  private static String words(Throwable fault) {
    return fault.getMessage() == null ? fault.getClass().getSimpleName() : fault.getMessage();
  }

  /** Describes a text that is no path here. */
  static String describe(InvalidPathException path) {
    boolean locale = String.valueOf(path.getReason()).contains("unmappable");
    return "\"" + path.getInput() + "\" cannot be a path: "
        + (locale
            ? "the language settings have no such characters, so set LC_ALL to C.UTF-8 or another UTF-8"
            : path.getReason());
  }
}
