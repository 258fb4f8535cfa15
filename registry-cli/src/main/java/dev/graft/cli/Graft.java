package dev.graft.cli;

import com.google.inject.Guice;
import com.google.inject.Injector;
import com.google.inject.ProvisionException;
import dev.graft.error.GraftException;
import java.io.PrintWriter;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/** Starts the {@code graft} command. Exit codes: 0 done, 2 a fault that the user can mend, 1 one of ours. */
@Command(name = "graft", description = "Fine-tunes language models by training under 1 % of them.", mixinStandardHelpOptions = true, version = "graft 0.1.0-SNAPSHOT", subcommands = {
  PluginsCommand.class, CheckCommand.class, QuantizeCommand.class})
public final class Graft implements Runnable {
  private static final int USER_FAULT = 2;
  private static final int OUR_FAULT = 1;

  @Option(names = "--debug", scope = ScopeType.INHERIT, description = "Show where an error arose.")
  boolean debug;

  /** Runs the command with the given arguments and exits. */
  public static void main(String[] args) {
    System.exit(run(args));
  }

  /** Runs the command and returns the exit code. */
  static int run(String... args) {
    Injector injector = Guice.createInjector(new Registry());
    Graft graft = new Graft();
    CommandLine line = new CommandLine(graft, new CommandLine.IFactory() {
      @Override
      public <K> K create(Class<K> type) throws Exception {
        return type.getModule().equals(Graft.class.getModule())
            ? injector.getInstance(type)
            : CommandLine.defaultFactory().create(type);
      }
    });
    line.setExecutionExceptionHandler(
        (exception, command, _) -> report(exception, graft.debug, command.getErr()));
    line.setUsageHelpAutoWidth(true);
    try {
      return line.execute(args);
    } catch (CommandLine.InitializationException | ProvisionException e) {
      Exception cause = e.getCause() instanceof Exception inner ? inner : e;
      return report(cause, false, line.getErr());
    }
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
    CommandLine.usage(this, System.out);
  }
}
