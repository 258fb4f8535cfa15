package dev.graft.cli;

import java.util.LinkedHashMap;
import java.util.Map;
import picocli.CommandLine.IModelTransformer;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/** Adds an option for each setting of a training run to a command. */
final class RecipeOptions implements IModelTransformer {
  /** Place in the help of what comes before the settings; that of options which name no place is -1. */
  static final int BEFORE_SETTINGS = -3;

  private static final int PLACE_OF_SETTINGS = -2;

  @Override
  public CommandSpec transform(CommandSpec command) {
    RecipeKeys.ALL.forEach(key -> command
        .addOption(OptionSpec.builder(key.newOption().get()).order(PLACE_OF_SETTINGS).build()));
    return command;
  }

  /** Returns what was given of the command's options, by the keys of a recipe. */
  static Map<String, Object> given(CommandSpec command) {
    Map<String, Object> given = new LinkedHashMap<>();
    for (RecipeKey<?> key : RecipeKeys.ALL) {
      RecipeKey.given(command.findOption(RecipeKey.option(key.name())))
          .ifPresent(value -> given.put(key.name(), value));
    }
    return given;
  }
}
