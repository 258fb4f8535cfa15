package dev.graft.cli;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The command in a process of its own, for what only a process has: a locale, a heap, a disk that is full. */
final class CommandProcess {
  private final Map<String, String> environment = new LinkedHashMap<>();
  private final List<String> options = new ArrayList<>();
  private final Path folder;
  private ProcessBuilder.Redirect output;

  /**
   * What a process left.
   *
   * @param code exit code
   * @param out standard output, if it was not sent elsewhere
   * @param err standard error
   */
  record Ended(int code, String out, String err) {}

  CommandProcess(Path folder) {
    this.folder = folder;
    this.output = ProcessBuilder.Redirect.to(folder.resolve("stdout").toFile());
  }

  CommandProcess with(String variable, String value) {
    environment.put(variable, value);
    return this;
  }

  CommandProcess java(String option) {
    options.add(option);
    return this;
  }

  CommandProcess into(Path file) {
    output = ProcessBuilder.Redirect.to(file.toFile());
    return this;
  }

  /**
   * Runs the command.
   *
   * @param arguments as a shell reads them, quotes and escapes included
   */
  Ended run(String arguments) throws IOException, InterruptedException {
    List<String> java = new ArrayList<>(List.of(
        Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-cp",
        System.getProperty("java.class.path"), "-Dguice_bytecode_gen_option=DISABLED",
        "--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow"));
    java.addAll(options);
    java.add(Graft.class.getName());
    List<String> command = new ArrayList<>(List.of("bash", "-c", "exec \"$@\" " + arguments, "graft"));
    command.addAll(java);
    ProcessBuilder builder = new ProcessBuilder(command).redirectOutput(output)
        .redirectError(folder.resolve("stderr").toFile());
    builder.environment().putAll(environment);
    int code = builder.start().waitFor();
    Path out = folder.resolve("stdout");
    return new Ended(code, Files.exists(out) ? Files.readString(out, StandardCharsets.UTF_8) : "",
        Files.readString(folder.resolve("stderr"), StandardCharsets.UTF_8));
  }
}
