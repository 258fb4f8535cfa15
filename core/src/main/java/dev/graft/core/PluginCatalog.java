package dev.graft.core;

import dev.graft.error.GraftException;
import dev.graft.error.Nearest;
import dev.graft.spi.Backend;
import dev.graft.spi.Configuration;
import dev.graft.spi.ModelFamily;
import dev.graft.spi.PeftMethod;
import dev.graft.spi.Plugin;
import dev.graft.spi.Quantizer;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import org.apiguardian.api.API;

/** Lists the plug-ins that are there. One that cannot be loaded is noted and does not hinder the others. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class PluginCatalog {
  private static final Pattern ID = Pattern.compile("[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?");

  private final Map<String, Found<Backend>> backends;
  private final Map<String, Found<PeftMethod<?>>> methods;
  private final Map<String, Found<Quantizer>> quantizers;
  private final Map<String, Found<ModelFamily>> families;
  private final List<String> failures;

  private PluginCatalog(ClassLoader loader) {
    this.failures = new ArrayList<>();
    this.backends = index("backend", load(Backend.class, loader));
    // A service is asked for by its raw class; every configuration type is one of the method's own.
    @SuppressWarnings({"unchecked", "rawtypes"})
    Collection<Found<PeftMethod<?>>> found = (Collection) load(PeftMethod.class, loader);
    this.methods = index("method", found);
    this.quantizers = index("quantizer", load(Quantizer.class, loader));
    this.families = index("model family", load(ModelFamily.class, loader));
  }

  private PluginCatalog(PluginCatalog other, Map<String, Found<Backend>> backends) {
    this.failures = other.failures;
    this.backends = backends;
    this.methods = other.methods;
    this.quantizers = other.quantizers;
    this.families = other.families;
  }

  /**
   * Finds the plug-ins that a class loader sees.
   *
   * @throws GraftException if two plug-ins of one kind have the same id, or an id is malformed
   */
  public static PluginCatalog discover(ClassLoader loader) {
    return new PluginCatalog(loader);
  }

  /** Returns the same catalog but for its backends, each of which is what a function makes of the one here. */
  public PluginCatalog withBackends(UnaryOperator<Backend> change) {
    Map<String, Found<Backend>> changed = new TreeMap<>();
    backends.forEach((id, found) -> changed.put(id,
        new Found<>(change.apply(found.plugin()), found.version(), found.origin())));
    return new PluginCatalog(this, Collections.unmodifiableMap(changed));
  }

  private <P extends Plugin> List<Found<P>> load(Class<P> kind, ClassLoader loader) {
    List<Found<P>> found = new ArrayList<>();
    Iterator<ServiceLoader.Provider<P>> providers = ServiceLoader.load(kind, loader).stream().iterator();
    while (true) {
      try {
        if (!providers.hasNext()) {
          return found;
        }
        Found<P> plugin = Found.of(providers.next().get());
        if (plugin.plugin().spiMajor() == Plugin.SPI_MAJOR) {
          found.add(plugin);
        } else {
          failures.add(plugin.describe() + " was written for version " + plugin.plugin().spiMajor()
              + " of the service interfaces; this is version " + Plugin.SPI_MAJOR);
        }
      } catch (ServiceConfigurationError | LinkageError e) {
        failures.add(String.valueOf(e.getMessage()));
      }
    }
  }

  private static <P extends Plugin> Map<String, Found<P>> index(String kind, Collection<Found<P>> all) {
    Map<String, Found<P>> byId = new TreeMap<>();
    for (Found<P> found : all) {
      String id = found.plugin().id();
      if (!ID.matcher(id).matches()) {
        throw new GraftException("The id \"" + id + "\" of " + kind + " " + found.describe()
            + " must be lower-case letters, digits and dashes, at most 64");
      }
      Found<P> other = byId.put(id, found);
      if (other != null) {
        throw new GraftException(
            "Two plug-ins are " + kind + " \"" + id + "\": " + other.describe() + ", and "
                + found.describe() + ". Remove one of them");
      }
    }
    return Collections.unmodifiableMap(byId);
  }

  /** Returns the backends by id. */
  public Map<String, Found<Backend>> backends() {
    return backends;
  }

  /** Returns the methods by id. */
  public Map<String, Found<PeftMethod<?>>> methods() {
    return methods;
  }

  /** Returns the quantizers by id. */
  public Map<String, Found<Quantizer>> quantizersById() {
    return quantizers;
  }

  /** Returns the model families by id. */
  public Map<String, Found<ModelFamily>> families() {
    return families;
  }

  /** Returns why plug-ins could not be loaded. */
  public List<String> failures() {
    return Collections.unmodifiableList(failures);
  }

  /**
   * Returns a backend.
   *
   * @throws GraftException if there is none of that id; lists those that are there
   */
  public Backend backend(String id) {
    return find("backend", id, backends);
  }

  /**
   * Returns a method.
   *
   * @throws GraftException if there is none of that id; lists those that are there
   */
  public PeftMethod<?> method(String id) {
    return find("method", id, methods);
  }

  /**
   * Returns a quantizer.
   *
   * @throws GraftException if there is none of that id; lists those that are there
   */
  public Quantizer quantizer(String id) {
    return find("quantizer", id, quantizers);
  }

  private static <P extends Plugin> P find(String kind, String id, Map<String, Found<P>> known) {
    Found<P> found = known.get(id);
    if (found == null) {
      throw new GraftException(
          "There is no " + kind + " \"" + id + "\"" + alternatives(id, known.keySet()));
    }
    return found.plugin();
  }

  private static String alternatives(String wanted, Collection<String> known) {
    return Nearest.of(wanted, known).map(near -> " (did you mean \"" + near + "\"?)").orElse("")
        + ". Installed: " + (known.isEmpty() ? "none" : String.join(", ", known));
  }

  /**
   * Returns the method that an adapter's configuration belongs to.
   *
   * @throws GraftException if {@code peft_type} is missing or unknown, or several methods claim it
   */
  public PeftMethod<?> methodFor(Configuration adapter) {
    String type = adapter.optionalText("peft_type").orElseThrow(
        () -> new GraftException(adapter.source() + ": \"peft_type\" is missing, so the method is unknown"));
    List<Found<PeftMethod<?>>> claiming = methods.values().stream()
        .filter(found -> found.plugin().peftType().equals(type) && found.plugin().claims(adapter)).toList();
    if (claiming.isEmpty()) {
      throw new GraftException(adapter.source() + ": " + unclaimed(type));
    }
    if (claiming.size() > 1) {
      throw new GraftException(adapter.source() + ": several methods claim this configuration: "
          + String.join(", ", claiming.stream().map(Found::describe).toList()) + ". Remove all but one");
    }
    return claiming.getFirst().plugin();
  }

  private String unclaimed(String type) {
    List<String> related = methods.values().stream().filter(found -> found.plugin().peftType().equals(type))
        .map(Found::describe).toList();
    if (related.isEmpty()) {
      Collection<String> types = new TreeSet<>(
          methods.values().stream().map(m -> m.plugin().peftType()).toList());
      return "no installed method reads peft_type \"" + type + "\"" + alternatives(type, types)
          + ". Add the jar of a method that reads it";
    }
    return "the settings ask for a variant of peft_type \"" + type + "\" that is not installed; what is"
        + " installed for it does not read this variant: " + String.join(", ", related)
        + ". Add the variant's own jar (methods-dora for \"use_dora\": true), or change the settings";
  }

  /**
   * Returns the family that reads a model type.
   *
   * @throws GraftException if there is none; lists the model types that are known
   */
  public ModelFamily family(String modelType) {
    Collection<String> types = new TreeSet<>();
    for (Found<ModelFamily> found : families.values()) {
      if (found.plugin().modelTypes().contains(modelType)) {
        return found.plugin();
      }
      types.addAll(found.plugin().modelTypes());
    }
    throw new GraftException(
        "config.json: no installed plug-in knows model_type \"" + modelType + "\""
            + alternatives(modelType, types));
  }

  /** Returns all quantizers. */
  public List<Quantizer> quantizers() {
    return quantizers.values().stream().map(Found::plugin).toList();
  }
}
