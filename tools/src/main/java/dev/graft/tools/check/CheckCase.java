package dev.graft.tools.check;

import dev.graft.core.PluginCatalog;
import dev.graft.error.GraftException;
import dev.graft.formats.Json;
import dev.graft.graph.DType;
import dev.graft.spi.Backend;
import dev.graft.spi.Configuration;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import org.apiguardian.api.API;

/**
 * Runs one case: a folder with {@code case.json}, a batch, and a reference's results. Kinds: forward,
 * gradients, merge, train, generate, quantize; and any kind whose load must be refused.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class CheckCase {
  private static final System.Logger LOGGER = System.getLogger(CheckCase.class.getName());

  private final Case check;

  private CheckCase(Case check) {
    this.check = check;
  }

  /** Runs the case in a folder on a backend, in a compute type; whatever goes wrong is in the result. */
  public static CheckResult run(Path folder, PluginCatalog plugins, Backend backend, DType type) {
    String name = String.valueOf(folder.toAbsolutePath().normalize().getFileName());
    Comparison comparison = new Comparison();
    try {
      Configuration json = new Configuration(folder.resolve("case.json").toString(),
          Json.readObject(folder.resolve("case.json")));
      CheckCase run = new CheckCase(new Case(folder, json, plugins, backend, type, comparison));
      if (json.has("expect_error_mentions")) {
        run.refusal();
      } else {
        run.compare();
      }
    } catch (GraftException e) {
      comparison.fault(String.valueOf(e.getMessage()));
    } catch (RuntimeException e) {
      LOGGER.log(System.Logger.Level.ERROR, name, e);
      comparison.fault("a fault in Graft or in a plug-in, not in the case: " + e);
    }
    return comparison.result(name, backend.id());
  }

  private void refusal() {
    String message;
    try {
      compare();
      check.comparison().fault("was loaded, but must be refused: " + check.json().text("what", ""));
      return;
    } catch (GraftException e) {
      message = String.valueOf(e.getMessage());
    }
    String lower = message.toLowerCase(Locale.ROOT);
    for (Object entry : mentions()) {
      Collection<?> choices = entry instanceof Collection<?> c ? c : List.of(entry);
      if (choices.stream().noneMatch(c -> lower.contains(String.valueOf(c).toLowerCase(Locale.ROOT)))) {
        check.comparison().fault("refused, but the message does not mention " + entry + ": " + message);
      }
    }
  }

  private Collection<?> mentions() {
    Object value = check.json().value("expect_error_mentions").orElse(List.of());
    return value instanceof Collection<?> c ? c : List.of(value);
  }

  private void compare() {
    String kind = check.json().text("kind", "");
    switch (kind) {
      case "forward" -> ModelCase.run(check, new ForwardCase());
      case "gradients" -> ModelCase.run(check, new GradientsCase());
      case "merge" -> ModelCase.run(check, new MergeCase());
      case "train" -> ModelCase.run(check, new TrainCase());
      case "generate" -> ModelCase.run(check, new GenerateCase());
      case "quantize" -> new QuantizeCase(check).compare();
      default -> throw new GraftException(check.json().source() + ": kind \"" + kind
          + "\" is not known; known are forward, gradients, merge, train, generate, quantize");
    }
  }
}
