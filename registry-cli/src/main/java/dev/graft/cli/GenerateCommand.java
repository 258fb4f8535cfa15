package dev.graft.cli;

import dev.graft.core.generate.GenerationOptions;
import dev.graft.core.plugin.PluginCatalog;
import dev.graft.core.run.GraftAdapter;
import dev.graft.core.run.ModelOptions;
import dev.graft.data.tokenizer.TokenStream;
import dev.graft.error.GraftException;
import jakarta.inject.Inject;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Lets a model answer. */
@Command(name = "generate", mixinStandardHelpOptions = true, sortOptions = false, description = "Answers a prompt, which is given, lies in a file, or is read from the standard input. Prints the answer as it is made.", footer = {
  "", "Examples:",
  "  graft generate --model demo/base --adapter graft-runs/demo --prompt \"name[Blue Spice], area[riverside]\"",
  "  cat question.txt | graft generate --model demo/base --temperature 0.7 --top-p 0.9"})
final class GenerateCommand implements Callable<Integer> {
  private final PluginCatalog plugins;
  private final Streams streams;

  @Option(names = "--model", paramLabel = "DIR", required = true, description = "Folder of the base model.")
  Path model = Path.of("");

  @Option(names = "--adapter", paramLabel = "DIR", description = "Adapter; if repeated, each answers in turn.")
  List<Path> adapters = new ArrayList<>();

  @Option(names = "--prompt", paramLabel = "TEXT", description = "The prompt.")
  @Nullable
  String prompt;

  @Option(names = "--prompt-file", paramLabel = "FILE", description = "A file that holds the prompt.")
  @Nullable
  Path promptFile;

  @Option(names = "--max-new-tokens", paramLabel = "N", description = "Longest answer in tokens (default: ${DEFAULT-VALUE}).", defaultValue = "128")
  int maxNewTokens = 128;

  @Option(names = "--temperature", paramLabel = "X", description = "0 takes the likeliest token always; higher is more varied (default: ${DEFAULT-VALUE}).", defaultValue = "0")
  double temperature;

  @Option(names = "--top-k", paramLabel = "N", description = "Draw among so many of the likeliest tokens; 0 for all (default: ${DEFAULT-VALUE}).", defaultValue = "0")
  int topK;

  @Option(names = "--top-p", paramLabel = "P", description = "Draw among the likeliest tokens that together reach this probability (default: ${DEFAULT-VALUE}).", defaultValue = "1")
  double topP = 1;

  @Option(names = "--seed", paramLabel = "N", description = "Seed of the draws (default: ${DEFAULT-VALUE}).", defaultValue = "0")
  long seed;

  @Option(names = "--raw", description = "Continue the text as it is, without the model's chat template.")
  boolean raw;

  @Option(names = "--backend", paramLabel = "ID", description = "Backend (default: the best available).")
  @Nullable
  String backend;

  @Option(names = "--dtype", paramLabel = "TYPE", description = "Compute type: f32, bf16, f16 or f64 (default: ${DEFAULT-VALUE}).", defaultValue = "f32")
  String dtype = "f32";

  @Inject
  GenerateCommand(PluginCatalog plugins, Streams streams) {
    this.plugins = plugins;
    this.streams = streams;
  }

  @Override
  public Integer call() throws IOException {
    String text = text();
    ModelOptions options = new ModelOptions(Optional.ofNullable(backend), ComputeTypes.parse(dtype), 0);
    try (TextModel opened = TextModel.open(model, options, plugins)) {
      if (adapters.isEmpty()) {
        answer(opened, Optional.empty(), text);
      }
      for (Path folder : adapters) {
        GraftAdapter adapter = opened.model().load(folder);
        if (adapters.size() > 1) {
          streams.out().println("[" + folder + "]");
        }
        answer(opened, Optional.of(adapter), text);
      }
    }
    return 0;
  }

  private String text() throws IOException {
    if (prompt != null && promptFile != null) {
      throw new GraftException("generate: give either --prompt or --prompt-file");
    }
    if (prompt != null) {
      return prompt;
    }
    if (promptFile != null) {
      if (!Files.isReadable(promptFile)) {
        throw new GraftException("The prompt file " + promptFile + " does not exist or cannot be read");
      }
      return Files.readString(promptFile).strip();
    }
    if (streams.interactive()) {
      streams.err().println("Type the prompt and end it with Ctrl-D:");
      streams.err().flush();
    }
    String typed = new String(streams.in().readAllBytes(), StandardCharsets.UTF_8).strip();
    if (typed.isEmpty()) {
      throw new GraftException("generate: there is no prompt: give --prompt, --prompt-file, or pipe one in");
    }
    return typed;
  }

  private void answer(TextModel opened, Optional<GraftAdapter> adapter, String text) {
    long positions = opened.model().base().model().maxPositions();
    long[] ids = raw
        ? opened.tokenizer().encode(text, true)
        : opened.encoder(Math.toIntExact(positions), false).prompt(text);
    GenerationOptions options = new GenerationOptions(maxNewTokens, temperature, topK, topP,
        opened.tokenizer().stopIds(), opened.tokenizer().paddingId(), seed);
    TokenStream stream = opened.tokenizer().stream();
    opened.generate(adapter, List.of(ids), options, (_, token) -> {
      if (!options.stopIds().contains(token)) {
        streams.out().print(stream.add(token));
        streams.out().flush();
      }
    });
    streams.out().println();
  }
}
