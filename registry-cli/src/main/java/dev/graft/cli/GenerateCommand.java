package dev.graft.cli;

import dev.graft.core.GenerationOptions;
import dev.graft.core.GraftModel;
import dev.graft.core.ModelOptions;
import dev.graft.core.PluginCatalog;
import dev.graft.core.TokenListener;
import dev.graft.data.dataset.SampleEncoder;
import dev.graft.data.tokenizer.TokenStream;
import dev.graft.data.tokenizer.Tokenizer;
import dev.graft.error.GraftException;
import dev.graft.formats.TextFile;
import jakarta.inject.Inject;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Lets a model answer. */
@Command(name = "generate", mixinStandardHelpOptions = true, sortOptions = false, description = {
  "Answers prompts, which are given, lie in a file, or are read from the standard input.",
  "Several answers are made in one batch, whose rows use different adapters; a single one is printed as it is made.",
  ""}, footer = {
    "", "Examples:",
    "  graft generate --model demo/base --adapter graft-runs/demo --prompt \"name[Blue Spice], area[riverside]\"",
    "  cat question.txt | graft generate --model demo/base --temperature 0.7 --top-p 0.9", "",
    "The base and two adapters side by side:",
    "  graft generate --model demo/base --adapter short=runs/a \\",
    "      --adapter long=runs/b --compare --prompt \"name[Aromi]\"",
    "",
    "Each prompt by an adapter of its own, in one batch:",
    "  graft generate --model demo/base --adapter short=runs/a \\",
    "      --adapter long=runs/b --prompt \"name[Aromi]\" --use short \\",
    "      --prompt \"name[Zizzi]\" --use long --prompt \"Hello\" --use base"})
final class GenerateCommand implements Callable<Integer> {
  /** Far more than a model has positions for. */
  private static final int MAX_PROMPT = 64 << 20;

  private final PluginCatalog plugins;
  private final Streams streams;

  @Option(names = "--model", paramLabel = "DIR", required = true, description = "Folder of the base model.")
  Path model = Path.of("");

  @Option(names = "--adapter", paramLabel = "[NAME=]DIR", description = "Adapter; may be repeated. Its name is the folder's last part if none is given.")
  List<String> adapters = new ArrayList<>();

  @Option(names = "--prompt", paramLabel = "TEXT", description = "A prompt; may be repeated.")
  List<String> prompts = new ArrayList<>();

  @Option(names = "--prompt-file", paramLabel = "FILE", description = "A file that holds the prompt.")
  @Nullable
  Path promptFile;

  @Option(names = "--use", paramLabel = "NAME", description = "Who answers: an adapter, or 'base' for the model alone. Once for all prompts, or once for each in their order. Without it every adapter answers every prompt.")
  List<String> uses = new ArrayList<>();

  @Option(names = "--compare", description = "Let the model alone answer too, beside every adapter.")
  boolean compare;

  @Option(names = "--weight", paramLabel = "NAME=X", description = "Give an adapter X times its effect; may be repeated.")
  Map<String, Double> weights = new LinkedHashMap<>();

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

  @Mixin
  DeviceFlags where = new DeviceFlags();

  @Option(names = "--dtype", paramLabel = "TYPE", description = "Compute type: f32, bf16, f16 or f64 (default: ${DEFAULT-VALUE}).", defaultValue = "f32")
  String dtype = "f32";

  @Inject
  GenerateCommand(PluginCatalog plugins, Streams streams) {
    this.plugins = plugins;
    this.streams = streams;
  }

  @Override
  public Integer call() throws IOException {
    AdapterNames names = AdapterNames.of(adapters);
    names.checkWeights("generate", weights.keySet());
    List<String> texts = texts();
    List<Answer> answers = answers(names, texts);
    ModelOptions options = new ModelOptions(Optional.ofNullable(backend), ComputeTypes.parse(dtype),
        where.session(0));
    Set<String> used = new LinkedHashSet<>(answers.stream().map(Answer::adapter).toList());
    List<Path> chatFolders = raw
        ? List.of()
        : names.folders().entrySet().stream().filter(entry -> used.contains(entry.getKey()))
            .map(Map.Entry::getValue).toList();
    Tokenizer tokenizer = ChatTokenizer.open(model, chatFolders, note -> Notes.print(streams, List.of(note)));
    try (ModelFiles files = ModelFiles.open(tokenizer, model, plugins)) {
      // Before the model is read: what is wrong with the prompts is told at once.
      List<long[]> prompts = prompts(tokenizer, texts);
      try (TextModel opened = files.model(options)) {
        opened.model().loaded().ifPresent(loaded -> Notes.print(streams, loaded.notes()));
        names.folders().forEach((name, folder) -> {
          if (used.contains(name)) {
            Notes.print(streams, opened.model().load(name, folder).attachment().notes());
          }
        });
        weights.forEach((name, factor) -> {
          if (used.contains(name)) {
            opened.model().adapter(name).scale(factor);
          }
        });
        if (answers.size() == 1) {
          answer(opened, answers.getFirst(), prompts);
        } else {
          print(answerAll(opened, answers, prompts), answers, texts);
        }
      }
    }
    return 0;
  }

  private List<String> texts() throws IOException {
    if (!prompts.isEmpty() && promptFile != null) {
      throw new GraftException("generate: give either --prompt or --prompt-file");
    }
    if (!prompts.isEmpty()) {
      return prompts;
    }
    if (promptFile != null) {
      return List.of(TextFile.read(promptFile, "The prompt file " + promptFile, MAX_PROMPT).strip());
    }
    if (streams.interactive()) {
      streams.err().println("Type the prompt and end it with Ctrl-D:");
      streams.err().flush();
    }
    byte[] bytes = streams.in().readNBytes(MAX_PROMPT + 1);
    if (bytes.length > MAX_PROMPT) {
      throw new GraftException("generate: the prompt has more than " + MAX_PROMPT + " bytes");
    }
    String typed = TextFile.decoded(bytes, "The prompt on the standard input").strip();
    if (typed.isEmpty()) {
      throw new GraftException("generate: there is no prompt: give --prompt, --prompt-file, or pipe one in");
    }
    return List.of(typed);
  }

  /**
   * An answer that is wanted.
   *
   * @param prompt which prompt
   * @param adapter who answers, by name
   */
  private record Answer(int prompt, String adapter) {}

  /** Returns the wanted answers in the order of the prompts. */
  private List<Answer> answers(AdapterNames names, List<String> texts) {
    List<Answer> answers = new ArrayList<>();
    if (!uses.isEmpty()) {
      if (compare) {
        throw new GraftException("generate: --compare lets everyone answer, so leave --use out");
      }
      names.check("--use", uses);
      if (uses.size() != 1 && uses.size() != texts.size()) {
        throw new GraftException("generate: give --use once for all prompts, or once for each: there are "
            + texts.size() + " prompts and " + uses.size() + " --use");
      }
      for (int i = 0; i < texts.size(); i++) {
        answers.add(new Answer(i, uses.get(uses.size() == 1 ? 0 : i)));
      }
      return answers;
    }
    List<String> everyone = new ArrayList<>();
    if (compare || names.folders().isEmpty()) {
      everyone.add(AdapterNames.BASE);
    }
    everyone.addAll(names.folders().keySet());
    for (int i = 0; i < texts.size(); i++) {
      for (String name : everyone) {
        answers.add(new Answer(i, name));
      }
    }
    return answers;
  }

  private void answer(TextModel opened, Answer wanted, List<long[]> prompts) {
    GenerationOptions options = options(opened);
    TokenStream stream = opened.tokenizer().stream();
    run(opened, List.of(wanted), prompts, options, (_, token) -> {
      if (!options.stopIds().contains(token)) {
        streams.answers().print(stream.add(token));
        if (streams.answers().checkError()) {
          throw new GraftException("generate: the output cannot be written, so the answer ends here");
        }
      }
    });
    streams.answers().println(stream.finish());
  }

  private Map<Answer, String> answerAll(TextModel opened, List<Answer> wanted, List<long[]> prompts) {
    GenerationOptions options = options(opened);
    Map<Answer, String> made = new LinkedHashMap<>();
    for (List<Answer> batch : batches(opened.model(), wanted)) {
      List<long[]> rows = run(opened, batch, prompts, options, (_, _) -> {
      });
      for (int i = 0; i < batch.size(); i++) {
        made.put(batch.get(i), opened.tokenizer().decode(rows.get(i), true).strip());
      }
    }
    return made;
  }

  /**
   * Returns the answers that one batch makes, rows of the same adapter side by side. Virtual tokens move the
   * positions of what follows, so the rows of an adapter that has some are a batch of their own.
   */
  private List<List<Answer>> batches(GraftModel opened, List<Answer> wanted) {
    Map<String, List<Answer>> byAdapter = new LinkedHashMap<>();
    wanted.forEach(answer -> byAdapter.computeIfAbsent(answer.adapter(), _ -> new ArrayList<>()).add(answer));
    List<Answer> mixed = new ArrayList<>();
    List<List<Answer>> batches = new ArrayList<>();
    byAdapter.forEach((name, rows) -> {
      if (name.equals(AdapterNames.BASE) || opened.adapter(name).attachment().virtualTokens() == 0) {
        mixed.addAll(rows);
      } else {
        batches.add(rows);
        if (byAdapter.size() > 1) {
          streams.err().println(name + " answers in a batch of its own: "
              + opened.adapter(name).attachment().method().id()
              + " puts virtual tokens before the prompt, and rows of one batch must have the same positions");
        }
      }
    });
    if (!mixed.isEmpty()) {
      batches.addFirst(mixed);
    }
    return batches;
  }

  private List<long[]> prompts(Tokenizer tokenizer, List<String> texts) {
    SampleEncoder encoder = new SampleEncoder(tokenizer, Integer.MAX_VALUE, !raw);
    if (raw && texts.stream().anyMatch(encoder::hasBeginning)) {
      streams.err()
          .println("note: a prompt begins with the token that is put before every text, so it is not put"
              + " there again");
    }
    return texts.stream().map(encoder::prompt).toList();
  }

  private static List<long[]> run(TextModel opened, List<Answer> batch, List<long[]> prompts,
      GenerationOptions options, TokenListener listener) {
    List<String> rows = batch.stream().map(answer -> AdapterNames.inModel(answer.adapter())).toList();
    List<long[]> ids = batch.stream().map(answer -> prompts.get(answer.prompt())).toList();
    return opened.model().generate(rows, ids, options, listener);
  }

  private GenerationOptions options(TextModel opened) {
    return new GenerationOptions(maxNewTokens, temperature, topK, topP, opened.tokenizer().stopIds(),
        opened.tokenizer().paddingId(), seed);
  }

  private void print(Map<Answer, String> made, List<Answer> wanted, List<String> texts) {
    boolean several = wanted.stream().map(Answer::adapter).distinct().count() > 1;
    int prompt = -1;
    for (Answer answer : wanted) {
      if (texts.size() > 1 && answer.prompt() != prompt) {
        prompt = answer.prompt();
        streams.out().println("> " + texts.get(prompt).lines().findFirst().orElse(""));
      }
      if (several) {
        streams.out().println("[" + answer.adapter() + "]");
      }
      streams.answers().println(Objects.requireNonNull(made.get(answer)));
    }
  }
}
