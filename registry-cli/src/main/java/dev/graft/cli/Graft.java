package dev.graft.cli;

import com.google.inject.Guice;
import com.google.inject.Injector;
import dev.graft.cli.text.Printable;
import dev.graft.core.PluginCatalog;
import jakarta.inject.Inject;
import java.io.PrintWriter;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import org.apiguardian.api.API;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** Starts the {@code graft} command. Exit codes: 0 done, 2 a fault that the user can mend, 1 one of ours. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
@Command(name = "graft", description = "Fine-tunes language models by training under 1 %% of them.", mixinStandardHelpOptions = true, versionProvider = Version.class, synopsisSubcommandLabel = "COMMAND", subcommands = {
  DemoCommand.class, TrainCommand.class, GenerateCommand.class, CombineCommand.class, MergeCommand.class,
  QuantizeCommand.class, PlanCommand.class, BenchCommand.class, CheckCommand.class,
  PluginsCommand.class}, footer = {"",
    "Begin with:", "  graft demo", "'graft COMMAND --help' tells more."})
public final class Graft implements Runnable {
  private static final int USER_FAULT = 2;
  private static final int OUR_FAULT = 1;

  private final Streams streams;

  @Spec
  @Nullable
  CommandSpec spec;

  @Option(names = "--debug", scope = ScopeType.INHERIT, description = "Show where an error arose.")
  boolean debug;

  @Mixin
  final PluginOptions plugins = new PluginOptions();

  @Inject
  Graft(Streams streams) {
    this.streams = streams;
  }

  /** Runs the command with the given arguments and exits. */
  public static void main(String[] args) {
    Streams streams = Streams.ofProcess();
    NativeText.fault(List.of(args)).ifPresent(fault -> {
      streams.err().println("graft: " + fault);
      System.exit(USER_FAULT);
    });
    System.exit(run(streams, ProcessEnd.installed(), args));
  }

  /** Runs the command in a process that goes on afterwards, and returns the exit code. */
  static int run(Streams streams, String... args) {
    return run(streams, new ProcessEnd(), args);
  }

  private static int run(Streams streams, ProcessEnd end, String... args) {
    int code;
    try {
      code = new Run(streams, PluginOptions.discover(args).withBackends(end::guarded), end).execute(args);
    } catch (RuntimeException | Error e) {
      code = report(e, List.of(args).contains("--debug"), streams.err(), _ -> Optional.empty());
    }
    if (streams.arrived() || code != 0) {
      return code;
    }
    streams.err()
        .println("graft: the output could not be written in full, so what was printed is incomplete");
    return USER_FAULT;
  }

  /** One run of the command, with the plug-ins that it found. */
  private record Run(Streams streams, PluginCatalog plugins, ProcessEnd end) {
    int execute(String... args) {
      Injector injector = Guice.createInjector(new Registry(streams, end, plugins));
      Graft graft = new Graft(streams);
      try {
        return line(graft, injector).execute(args);
      } catch (RuntimeException | Error e) {
        return report(e, graft.debug, streams.err(), plugins::jarAtFault);
      }
    }

    private CommandLine line(Graft graft, Injector injector) {
      CommandLine line = new CommandLine(graft, new CommandLine.IFactory() {
        @Override
        public <K> K create(Class<K> type) throws Exception {
          return type.getModule().equals(Graft.class.getModule()) && !type.isEnum() && !type.isInterface()
              ? injector.getInstance(type)
              : CommandLine.defaultFactory().create(type);
        }
      });
      // Help is all of our own text, and coloured on a terminal.
      line.setOut(streams.drawn());
      line.setErr(streams.err());
      line.setUsageHelpAutoWidth(true);
      line.setCaseInsensitiveEnumValuesAllowed(true);
      collectErrors(line);
      line.setExecutionStrategy(graft::execute);
      line.setParameterExceptionHandler((fault, _) -> {
        streams.err().println("graft: " + Printable.line(String.valueOf(fault.getMessage())));
        return USER_FAULT;
      });
      line.setExecutionExceptionHandler(
          (exception, _, _) -> report(exception, graft.debug, streams.err(), plugins::jarAtFault));
      return line;
    }
  }

  private static void collectErrors(CommandLine line) {
    line.getCommandSpec().parser().collectErrors(true);
    line.getSubcommands().values().forEach(Graft::collectErrors);
  }

  /** Runs the command asked for, unless help is wanted or the options are faulty: all faults are told. */
  private int execute(ParseResult parsed) {
    Integer help = CommandLine.executeHelpRequest(parsed);
    if (help != null) {
      return help;
    }
    List<String> faults = OptionFaults.describe(parsed);
    if (faults.isEmpty()) {
      return new CommandLine.RunLast().execute(parsed);
    }
    streams.err().println(
        "graft: " + Printable.line(String.join("; ", faults)) + " (" + OptionFaults.helpFor(parsed) + ")");
    streams.err().flush();
    return USER_FAULT;
  }

  private static int report(Throwable thrown, boolean debug, PrintWriter err,
      Function<Throwable, Optional<String>> jarAtFault) {
    FaultReport fault = FaultReport.of(thrown, jarAtFault);
    if (debug || !fault.users()) {
      thrown.printStackTrace(err);
    }
    err.println("graft: " + Printable.line(fault.sentence()));
    err.flush();
    return fault.users() ? USER_FAULT : OUR_FAULT;
  }

  /** Asks for a command. */
  @Override
  public void run() {
    Objects.requireNonNull(spec).commandLine().usage(streams.drawn());
  }
}
