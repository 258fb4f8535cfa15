package dev.graft.cli;

import java.util.LinkedHashMap;
import java.util.Map;
import picocli.CommandLine.IModelTransformer;
import picocli.CommandLine.Model.CommandSpec;

/** Adds an option for each setting of a training run to a command. */
final class RecipeOptions implements IModelTransformer {
  @Override
  public CommandSpec transform(CommandSpec command) {
    RecipeKeys.ALL.forEach(key -> command.addOption(key.newOption().get()));
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
