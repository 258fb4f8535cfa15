package dev.graft.cli;

import com.google.inject.Guice;
import com.google.inject.Injector;
import com.google.inject.ProvisionException;
import dev.graft.core.PluginCatalog;
import dev.graft.error.GraftException;
import jakarta.inject.Inject;
import java.io.PrintWriter;
import java.util.List;
import java.util.Objects;
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
@Command(name = "graft", description = "Fine-tunes language models by training under 1 %% of them.", mixinStandardHelpOptions = true, version = "graft 0.1.0-SNAPSHOT", synopsisSubcommandLabel = "COMMAND", subcommands = {
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
    System.exit(run(Streams.ofProcess(), ProcessEnd.installed(), args));
  }

  /** Runs the command in a process that goes on afterwards, and returns the exit code. */
  static int run(Streams streams, String... args) {
    return run(streams, new ProcessEnd(), args);
  }

  private static int run(Streams streams, ProcessEnd end, String... args) {
    PluginCatalog catalog;
    try {
      catalog = PluginOptions.discover(args).withBackends(end::guarded);
    } catch (GraftException e) {
      return report(e, List.of(args).contains("--debug"), streams.err());
    }
    Injector injector = Guice.createInjector(new Registry(streams, end, catalog));
    Graft graft = new Graft(streams);
    CommandLine line;
    try {
      line = new CommandLine(graft, new CommandLine.IFactory() {
        @Override
        public <K> K create(Class<K> type) throws Exception {
          return type.getModule().equals(Graft.class.getModule()) && !type.isEnum() && !type.isInterface()
              ? injector.getInstance(type)
              : CommandLine.defaultFactory().create(type);
        }
      });
    } catch (CommandLine.InitializationException | ProvisionException e) {
      return report(e.getCause() instanceof Exception inner ? inner : e, false, streams.err());
    }
    line.setOut(streams.out());
    line.setErr(streams.err());
    line.setUsageHelpAutoWidth(true);
    line.setCaseInsensitiveEnumValuesAllowed(true);
    collectErrors(line);
    line.setExecutionStrategy(graft::execute);
    line.setExecutionExceptionHandler(
        (exception, command, _) -> report(exception, graft.debug, command.getErr()));
    int code = line.execute(args);
    streams.out().flush();
    streams.err().flush();
    return code;
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
    streams.err().println("graft: " + String.join("; ", faults) + " (" + OptionFaults.helpFor(parsed) + ")");
    streams.err().flush();
    return USER_FAULT;
  }

  private static int report(Exception exception, boolean debug, PrintWriter err) {
    Throwable fault = exception instanceof ProvisionException && exception.getCause() != null
        ? exception.getCause()
        : exception;
    boolean users = fault instanceof GraftException;
    if (debug || !users) {
      fault.printStackTrace(err);
    }
    err.println(users
        ? "graft: " + fault.getMessage()
        : "graft: this is a fault in Graft, not in what you did; please report it with the trace above");
    err.flush();
    return users ? USER_FAULT : OUR_FAULT;
  }

  /** Asks for a command. */
  @Override
  public void run() {
    Objects.requireNonNull(spec).commandLine().usage(streams.out());
  }
}
