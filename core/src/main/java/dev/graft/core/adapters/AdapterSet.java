package dev.graft.core.adapters;

import dev.graft.core.attach.AdapterWeights;
import dev.graft.core.attach.Attachment;
import dev.graft.core.graphs.RowGroup;
import dev.graft.core.weights.LoadedModel;
import dev.graft.error.GraftException;
import dev.graft.error.Nearest;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.spi.Configuration;
import dev.graft.spi.Session;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apiguardian.api.API;

/**
 * Holds named adapters of one base model in a session. At most one is active at a time; a batch whose rows
 * use different adapters names them row by row.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class AdapterSet implements AutoCloseable {
  /** Stands for the base model without an adapter where adapters are named row by row. */
  public static final String BASE = "";

  private final LoadedModel model;
  private final Session session;
  private final DType parameterType;
  private final Map<String, Member> members = new LinkedHashMap<>();
  private Optional<String> active = Optional.empty();
  private boolean enabled = true;

  /**
   * Holds an adapter.
   *
   * @param original as it was added
   * @param current as it acts, which differs if it is scaled
   * @param release lets go of the file that the session may still read from
   */
  private record Member(Attachment original, Attachment current, Runnable release) {}

  /**
   * Creates an empty set.
   *
   * @param session holds the base model's variables
   * @param computeType the type in which the session holds the base model
   */
  public AdapterSet(LoadedModel model, Session session, DType computeType) {
    this.model = model;
    this.session = session;
    this.parameterType = computeType.accumulator();
  }

  /**
   * Loads an adapter from its folder.
   *
   * @throws GraftException if the name is taken, or the adapter is faulty or does not fit the model
   */
  public void load(String name, Path folder) {
    checkFree(name);
    LoadedModel.LoadedAdapter adapter = model.adapter(folder, false);
    add(name, adapter.attachment(), adapter.values(), adapter::close);
  }

  /**
   * Adds an adapter.
   *
   * @param values by key; the memory must not change while the adapter is in the set
   * @throws GraftException if the name is taken
   */
  public void add(String name, Attachment attachment, Map<String, HostTensor> values) {
    checkFree(name);
    add(name, attachment, values, () -> {
    });
  }

  private void add(String name, Attachment attachment, Map<String, HostTensor> values, Runnable release) {
    AdapterWeights.upload(session, name, values, parameterType);
    members.put(name, new Member(attachment, attachment, release));
  }

  private void checkFree(String name) {
    if (name.isBlank()) {
      throw new GraftException("An adapter needs a name: the empty one stands for the base model");
    }
    if (members.containsKey(name)) {
      throw new GraftException(
          "There is an adapter \"" + name + "\" already. Delete it first, or choose another"
              + " name. " + listing());
    }
    String variables = AdapterWeights.variable(name, "");
    if (session.variables().stream().anyMatch(variable -> variable.startsWith(variables))) {
      throw new GraftException("The name \"" + name + "\" is used for another adapter of this session. Choose"
          + " another name. " + listing());
    }
  }

  private Member member(String name) {
    Member member = members.get(name);
    if (member == null) {
      String near = Nearest.of(name, members.keySet()).map(n -> " (did you mean \"" + n + "\"?)").orElse("");
      throw new GraftException("There is no adapter \"" + name + "\"" + near + ". " + listing());
    }
    return member;
  }

  private String listing() {
    return "Loaded: " + (members.isEmpty() ? "none" : String.join(", ", members.keySet()));
  }

  /** Returns the names in the order in which the adapters were added. */
  public Set<String> names() {
    return Collections.unmodifiableSet(members.keySet());
  }

  /**
   * Returns how an adapter acts on the model.
   *
   * @throws GraftException if there is no adapter of that name; lists those that are there
   */
  public Attachment attachment(String name) {
    return member(name).current();
  }

  /** Returns the adapter that acts; empty if none is active or adapters are disabled. */
  public Optional<String> active() {
    return active.filter(_ -> enabled);
  }

  /**
   * Lets one adapter act from now on, in the place of the one before.
   *
   * @throws GraftException if there is no adapter of that name; lists those that are there
   */
  public void activate(String name) {
    member(name);
    active = Optional.of(name);
    enabled = true;
  }

  /** Lets the base model act alone until {@link #enable} or {@link #activate}. */
  public void disable() {
    enabled = false;
  }

  /** Lets the adapter act again that was active when {@link #disable} was called. */
  public void enable() {
    enabled = true;
  }

  /**
   * Gives an adapter so many times the effect that it was added with; 1 gives it that effect again.
   *
   * @throws GraftException if there is no adapter of that name, or its method has no such scale
   */
  public void scale(String name, double factor) {
    Member member = member(name);
    if (!Double.isFinite(factor)) {
      throw new GraftException("Adapter \"" + name + "\" cannot be scaled by " + factor);
    }
    Attachment scaled = factor == 1 ? member.original() : member.original().scaled(factor);
    members.put(name, new Member(member.original(), scaled, member.release()));
  }

  /**
   * Removes an adapter and frees its tensors. If it was active, the base model acts alone.
   *
   * @throws GraftException if there is no adapter of that name; lists those that are there
   */
  public void delete(String name) {
    Member member = member(name);
    members.remove(name);
    active = active.filter(other -> !other.equals(name));
    member.original().tensors().keySet()
        .forEach(key -> session.release(AdapterWeights.variable(name, key)));
    member.release().run();
  }

  /** Adds an adapter that is made of others, by a way that needs no further settings. */
  public void combine(String name, String way, Map<String, Double> weights) {
    combine(name, way, weights, new Configuration("combine", Map.of()));
  }

  /**
   * Adds an adapter that is made of others, at the scales that these have now.
   *
   * @param way how, such as {@code cat}: one of the ways of the method
   * @param weights what each counts, by its name; 1 or more adapters of one method
   * @param options further settings of the way, such as {@code svd_rank}
   * @throws GraftException if the name is taken, if there is no adapter of a name, or if these cannot be
   * combined in this way; says why
   */
  public void combine(String name, String way, Map<String, Double> weights, Configuration options) {
    checkFree(name);
    List<Combination.Part> parts = new ArrayList<>();
    weights.forEach((part, weight) -> {
      Attachment attachment = member(part).current();
      Map<String, HostTensor> values = new LinkedHashMap<>();
      attachment.tensors().keySet().forEach(
          key -> values.put(key, session.download(AdapterWeights.variable(part, key))));
      parts.add(new Combination.Part(part, weight, attachment, values));
    });
    Combination.Result result = Combination.of(way, parts, options, model.base().outline());
    add(name, result.attachment(), result.values());
  }

  /** Returns a batch of rows that all use what is active. */
  public List<RowGroup> rows(long rows) {
    return List.of(active().map(name -> RowGroup.all(name, attachment(name), rows))
        .orElseGet(() -> RowGroup.base(rows)));
  }

  /**
   * Returns a batch whose rows use the named adapters, {@link #BASE} standing for none.
   *
   * @throws GraftException if there is no adapter of a name; lists those that are there
   */
  public List<RowGroup> rows(List<String> names) {
    List<RowGroup> groups = new ArrayList<>();
    int from = 0;
    for (int to = 1; to <= names.size(); to++) {
      String name = names.get(from);
      if (to == names.size() || !names.get(to).equals(name)) {
        Optional<Attachment> attachment = name.equals(BASE)
            ? Optional.empty()
            : Optional.of(attachment(name));
        groups.add(new RowGroup(name, attachment, from, to));
        from = to;
      }
    }
    return groups;
  }

  /** Removes all adapters. */
  @Override
  public void close() {
    List.copyOf(members.keySet()).forEach(this::delete);
  }
}
