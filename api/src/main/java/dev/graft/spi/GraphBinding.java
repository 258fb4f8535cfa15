package dev.graft.spi;

import dev.graft.error.GraftException;
import dev.graft.graph.Graph;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Signature;
import java.util.Map;
import java.util.Optional;
import org.apiguardian.api.API;

/**
 * Checks what a compiled graph is run with, by one set of messages for all backends.
 *
 * @param graph the graph's name
 * @param inputs what is fed, by name
 * @param variables what is read or assigned, by name
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record GraphBinding(String graph, Map<String, Signature> inputs, Map<String, Signature> variables) {
  /** Takes what a graph needs from the graph. */
  public static GraphBinding of(Graph graph) {
    return new GraphBinding(graph.name(), graph.inputs(), graph.variables());
  }

  /**
   * Checks all feeds.
   *
   * @throws GraftException if one is missing or has another type or shape
   */
  public void checkFeeds(Map<String, HostTensor> feeds) {
    inputs.forEach((name, expected) -> {
      HostTensor feed = feed(feeds, name);
      check("input", name, expected, feed.signature());
    });
  }

  /**
   * Returns a feed.
   *
   * @throws GraftException if it is missing
   */
  public HostTensor feed(Map<String, HostTensor> feeds, String name) {
    HostTensor feed = feeds.get(name);
    if (feed == null) {
      throw new GraftException(
          "Graph " + graph + " needs input " + name + " " + inputs.get(name) + ", which was not fed");
    }
    return feed;
  }

  /**
   * Checks a variable.
   *
   * @param expected what the graph needs
   * @param found what the session has
   * @throws GraftException if the session has none of that name, or one of another type or shape
   */
  public void checkVariable(String name, Signature expected, Optional<Signature> found) {
    check("variable", name, expected, found.orElseThrow(() -> new GraftException("Graph " + graph
        + " needs variable " + name + " " + expected
        + ", which does not exist: upload or allocate it first")));
  }

  private void check(String kind, String name, Signature expected, Signature found) {
    if (!expected.equals(found)) {
      throw new GraftException("Graph " + graph + " needs " + kind + " " + name + " as " + expected
          + ", but got " + found);
    }
  }

  /**
   * Checks that a variable may take a value while this graph is compiled.
   *
   * @throws GraftException if the graph uses it with another type or shape
   */
  public void checkChange(String variable, Signature signature) {
    Signature used = variables.get(variable);
    if (used != null && !used.equals(signature)) {
      throw new GraftException("Graph " + graph + " uses variable " + variable + " as " + used
          + ", so it cannot become " + signature + ": close that program first");
    }
  }
}
