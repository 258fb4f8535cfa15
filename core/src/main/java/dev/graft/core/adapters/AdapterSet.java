package dev.graft.core.adapters;

import dev.graft.core.attach.AdapterWeights;
import dev.graft.core.attach.Attachment;
import dev.graft.core.graphs.RowGroup;
import dev.graft.core.weights.BaseModel;
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
import java.util.function.Consumer;
import org.apiguardian.api.API;

/**
 * Holds named adapters of one base model in a session. At most one is active at a time; a batch whose rows
 * use different adapters names them row by row.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class AdapterSet implements AutoCloseable {
  /** Stands for the base model without an adapter where adapters are named row by row. */
  public static final String BASE = "";

  private final BaseModel base;
  private final Optional<LoadedModel> files;
  private final Session session;
  private final DType parameterType;
  private final Consumer<String> leaving;
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
    this(model.base(), Optional.of(model), session, computeType, _ -> {
    });
  }

  /**
   * Creates an empty set.
   *
   * @param base the model that the adapters act on
   * @param files where that comes from, to load stored adapters; empty for a model without a folder
   * @param session holds the base model's variables
   * @param computeType the type in which the session holds the base model
   * @param leaving is called with the name of an adapter before its tensors are freed
   */
  public AdapterSet(BaseModel base, Optional<LoadedModel> files, Session session, DType computeType,
      Consumer<String> leaving) {
    this.leaving = leaving;
    this.base = base;
    this.files = files;
    this.session = session;
    this.parameterType = computeType.accumulator();
  }

  /**
   * Loads an adapter from its folder.
   *
   * @throws GraftException if the name is taken, or the adapter is faulty or does not fit the model
   */
  public void load(String name, Path folder) {
    load(name, folder, false);
  }

  /**
   * Loads an adapter from its folder.
   *
   * @param training whether parameters that only training needs are loaded too
   * @throws GraftException if the name is taken, if the adapter is faulty, lacks such parameters or does not fit
   * the model, or if the model has no folder
   */
  public void load(String name, Path folder, boolean training) {
    checkFree(name);
    LoadedModel.LoadedAdapter adapter = files
        .orElseThrow(() -> new GraftException("A model without a folder has no stored adapters"))
        .adapter(folder, training);
    add(name, adapter.attachment(), adapter.values(), adapter::close);
  }

  /**
   * Adds a new adapter.
   *
   * @param start creates its variables; if it throws, none stays
   * @throws GraftException if the name is taken
   */
  public void attach(String name, Attachment attachment, Runnable start) {
    checkFree(name);
    AdapterWeights.allOrNone(session, name, attachment.tensors().keySet(), start);
    members.put(name, new Member(attachment, attachment, () -> {
    }));
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
    try {
      AdapterWeights.upload(session, name, values, parameterType);
      members.put(name, new Member(attachment, attachment, release));
    } catch (RuntimeException | Error e) {
      release.run();
      throw e;
    }
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

  /**
   * Returns an adapter as it was added, whatever its scale is now.
   *
   * @throws GraftException if there is no adapter of that name; lists those that are there
   */
  public Attachment unscaled(String name) {
    return member(name).original();
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
   * Multiplies the effect that an adapter was added with by a factor; 1 restores it.
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
    leaving.accept(name);
    active = active.filter(other -> !other.equals(name));
    AdapterWeights.release(session, name, member.original().tensors().keySet());
    member.release().run();
  }

  /** Adds an adapter that is made of others, by a combination type that needs no further settings. */
  public void combine(String name, String combinationType, Map<String, Double> weights) {
    combine(name, combinationType, weights, new Configuration("combine", Map.of()));
  }

  /**
   * Adds an adapter that is made of others, at the scales that these have now, in the order in which they were
   * added.
   *
   * @param combinationType how, such as {@code cat}: one of those of the method
   * @param weights what each counts, by its name; 1 or more adapters of one method
   * @param options further settings of the combination, such as {@code svd_rank}
   * @throws GraftException if the name is taken, if there is no adapter of a name, or if these cannot be
   * combined so; says why
   */
  public void combine(String name, String combinationType, Map<String, Double> weights,
      Configuration options) {
    checkFree(name);
    weights.keySet().forEach(this::member);
    List<Combination.Part> parts = new ArrayList<>();
    members.forEach((part, member) -> {
      Double weight = weights.get(part);
      if (weight != null) {
        Map<String, HostTensor> values = new LinkedHashMap<>();
        member.current().tensors().keySet().forEach(
            key -> values.put(key, session.download(AdapterWeights.variable(part, key))));
        parts.add(new Combination.Part(part, weight, member.current(), values));
      }
    });
    Combination.Result result = Combination.of(combinationType, parts, options, base.outline());
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
