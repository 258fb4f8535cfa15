package dev.graft.cli;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/**
 * Describes one setting of a training run: a line of a recipe, and the option of the same name.
 *
 * @param name in a recipe; as an option it has two dashes before it
 * @param newOption creates the option
 * @param reader reads, checks or sets by default the value of a recipe
 * @param writer returns a value as a recipe has it; empty if the setting is left out there
 * @param freeOnResume whether the setting may be another when a run goes on
 * @param <T> type of the value
 */
record RecipeKey<T>(String name, Supplier<OptionSpec> newOption, Function<RecipeField, T> reader,
    Function<T, Optional<Object>> writer, boolean freeOnResume) {

  /** Describes a setting by the type, the label and the help of its option. */
  static <T> RecipeKey<T> of(String name, Class<?> type, String label, String help,
      Function<RecipeField, T> reader, Function<T, Optional<Object>> writer) {
    return new RecipeKey<>(name,
        () -> OptionSpec.builder(option(name)).type(type)
            .auxiliaryTypes(type == List.class ? String.class : type)
            .paramLabel(label).description(help).build(),
        reader, writer, false);
  }

  /** Describes a setting that always has a value, and stands in a recipe as that. */
  static <T> RecipeKey<T> of(String name, Class<?> type, String label, String help,
      Function<RecipeField, T> reader) {
    return of(name, type, label, help, reader, Optional::of);
  }

  /** Describes a setting that may have no value. */
  static <T> RecipeKey<Optional<T>> optional(String name, Class<?> type, String label, String help,
      Function<RecipeField, Optional<T>> reader) {
    return of(name, type, label, help, reader, value -> value.map(present -> present));
  }

  /** Describes a setting whose option other commands have too, annotated in a class. */
  static <T> RecipeKey<Optional<T>> shared(String name, Supplier<?> options,
      Function<RecipeField, Optional<T>> reader) {
    return new RecipeKey<>(name,
        () -> CommandSpec.forAnnotatedObject(options.get()).findOption(option(name)), reader,
        value -> value.map(present -> present), false);
  }

  /** Returns the setting as one that may be another when a run goes on. */
  RecipeKey<T> freeWhenResumed() {
    return new RecipeKey<>(name, newOption, reader, writer, true);
  }

  /** Returns the value of an option as a recipe would have it; empty if it is not given. */
  static Optional<Object> given(OptionSpec option) {
    return switch (option.<Object>getValue()) {
      case null -> Optional.empty();
      case List<?> none when none.isEmpty() -> Optional.empty();
      case Map<?, ?> none when none.isEmpty() -> Optional.empty();
      case Map<?, ?> pairs -> Optional.of(SettingValues.of(pairs));
      case Object value -> Optional.of(value);
    };
  }

  static String option(String name) {
    return "--" + name;
  }

  /** Returns a path as a recipe has it, so that the run can be repeated from any folder. */
  static String absolute(Path path) {
    return path.toAbsolutePath().normalize().toString();
  }
}
