package dev.graft.core;

import dev.graft.core.plugin.PluginFolders;
import dev.graft.core.plugin.ServiceListings;
import dev.graft.error.GraftException;
import dev.graft.error.Nearest;
import dev.graft.spi.Backend;
import dev.graft.spi.Configuration;
import dev.graft.spi.ModelFamily;
import dev.graft.spi.PeftMethod;
import dev.graft.spi.Plugin;
import dev.graft.spi.Quantizer;
import dev.graft.spi.TextCodec;
import dev.graft.spi.TextCodecProvider;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.UnaryOperator;
import org.apiguardian.api.API;

/** Lists the plug-ins that are there. One that cannot be loaded is noted and does not hinder the others. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class PluginCatalog {
  private static final String OWN = "dev.graft.";
  /** How many faults of jars a message tells in full. */
  private static final int TOLD = 3;

  private final ClassLoader loader;
  private final Map<String, InstalledPlugin<Backend>> backends;
  private final Map<String, InstalledPlugin<PeftMethod<?>>> methods;
  private final Map<String, InstalledPlugin<Quantizer>> quantizers;
  private final Map<String, InstalledPlugin<ModelFamily>> families;
  private final Map<String, InstalledPlugin<TextCodecProvider>> textCodecs;
  private final List<String> failures;
  private final PluginStack stack;

  private PluginCatalog(ClassLoader loader, List<String> notes) {
    this.loader = loader;
    this.failures = new ArrayList<>(notes);
    this.backends = index("backend", load(Backend.class));
    // A service is asked for by its raw class; every configuration type is one of the method's own.
    @SuppressWarnings({"unchecked", "rawtypes"})
    Collection<InstalledPlugin<PeftMethod<?>>> found = (Collection) load(PeftMethod.class);
    this.methods = index("method", found);
    this.quantizers = index("quantizer", load(Quantizer.class));
    this.families = index("model family", load(ModelFamily.class));
    this.textCodecs = index("text codec", load(TextCodecProvider.class));
    this.stack = stack(loader, List.of(backends, methods, quantizers, families));
  }

  private PluginCatalog(PluginCatalog other, Map<String, InstalledPlugin<Backend>> backends) {
    this.loader = other.loader;
    this.failures = other.failures;
    this.backends = backends;
    this.methods = other.methods;
    this.quantizers = other.quantizers;
    this.families = other.families;
    this.stack = other.stack;
    this.textCodecs = other.textCodecs;
  }

  /**
   * Finds the plug-ins that a class loader sees.
   *
   * @throws GraftException if two plug-ins of one kind have the same id, or a jar's listing of its plug-ins
   * cannot be read
   */
  public static PluginCatalog discover(ClassLoader loader) {
    return new PluginCatalog(loader, List.of());
  }

  /**
   * Finds the plug-ins that a class loader sees, and those in the jars of folders. A jar that lists none is
   * noted among the {@linkplain #failures failures}.
   *
   * @throws GraftException if a folder does not exist or holds no jar, a jar cannot be read, or a plug-in is
   * there twice
   */
  public static PluginCatalog discover(List<Path> folders, ClassLoader parent) {
    PluginFolders jars = PluginFolders.open(folders, parent);
    return new PluginCatalog(jars.loader(), jars.withoutPlugins());
  }

  /** Returns the same catalog but for its backends, each of which is what a function makes of the one here. */
  public PluginCatalog withBackends(UnaryOperator<Backend> change) {
    Map<String, InstalledPlugin<Backend>> changed = new TreeMap<>();
    backends.forEach((id, found) -> changed.put(id,
        new InstalledPlugin<>(change.apply(found.plugin()), found.version(), found.origin())));
    return new PluginCatalog(this, Collections.unmodifiableMap(changed));
  }

  private static PluginStack stack(ClassLoader loader,
      List<Map<String, ? extends InstalledPlugin<?>>> kinds) {
    Set<String> classes = new LinkedHashSet<>();
    Set<String> jars = new LinkedHashSet<>();
    kinds.stream().flatMap(kind -> kind.values().stream())
        .filter(found -> !found.plugin().getClass().getName().startsWith(OWN)).forEach(found -> {
          classes.add(found.plugin().getClass().getName());
          jars.add(found.origin());
        });
    if (loader instanceof URLClassLoader folders) {
      Arrays.stream(folders.getURLs()).map(url -> ServiceListings.readable(url.toString()))
          .forEach(jars::add);
    }
    return new PluginStack(loader, classes, jars);
  }

  private <P extends Plugin> List<InstalledPlugin<P>> load(Class<P> kind) {
    PluginLoader<P> loaded = new PluginLoader<>(kind, loader);
    failures.addAll(loaded.failures());
    return loaded.found();
  }

  private static <P extends Plugin> Map<String, InstalledPlugin<P>> index(String kind,
      Collection<InstalledPlugin<P>> all) {
    Map<String, InstalledPlugin<P>> byId = new TreeMap<>();
    for (InstalledPlugin<P> found : all) {
      String id = found.plugin().id();
      InstalledPlugin<P> other = byId.put(id, found);
      if (other != null) {
        throw new GraftException(
            "Two plug-ins are " + kind + " \"" + id + "\": " + other.describe() + ", and "
                + found.describe() + ". Remove one of them");
      }
    }
    return Collections.unmodifiableMap(byId);
  }

  /** Returns the backends by id. */
  public Map<String, InstalledPlugin<Backend>> backends() {
    return backends;
  }

  /** Returns the methods by id. */
  public Map<String, InstalledPlugin<PeftMethod<?>>> methods() {
    return methods;
  }

  /** Returns the quantizers by id. */
  public Map<String, InstalledPlugin<Quantizer>> quantizersById() {
    return quantizers;
  }

  /** Returns the model families by id. */
  public Map<String, InstalledPlugin<ModelFamily>> families() {
    return families;
  }

  /** Returns why plug-ins could not be loaded, or jars have none; each names the jar. */
  public List<String> failures() {
    return Collections.unmodifiableList(failures);
  }

  /**
   * Returns the jar of the plug-in in which an exception arose, or which had called what it arose in. Plug-ins
   * that come with Graft do not count.
   */
  public Optional<String> jarAtFault(Throwable fault) {
    return stack.jar(fault);
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

  private <P extends Plugin> P find(String kind, String id, Map<String, InstalledPlugin<P>> known) {
    InstalledPlugin<P> found = known.get(id);
    if (found == null) {
      throw new GraftException(
          "There is no " + kind + " \"" + id + "\"" + alternatives(id, known.keySet()));
    }
    return found.plugin();
  }

  private String alternatives(String wanted, Collection<String> known) {
    return Nearest.of(wanted, known).map(near -> " (did you mean \"" + near + "\"?)").orElse("")
        + ". Installed: " + (known.isEmpty() ? "none" : String.join(", ", known)) + notLoaded();
  }

  /** Tells of the jars that are there and not loaded, one of which may hold what is missing. */
  private String notLoaded() {
    if (failures.isEmpty()) {
      return "";
    }
    int more = failures.size() - TOLD;
    return ". Not loaded: " + String.join("; ", failures.subList(0, Math.min(TOLD, failures.size())))
        + (more > 0 ? "; and " + more + " more" : "");
  }

  /**
   * Returns the method that an adapter's configuration belongs to.
   *
   * @throws GraftException if {@code peft_type} is missing or unknown, or several methods claim it by equally many
   *   discriminators
   */
  public PeftMethod<?> methodFor(Configuration adapter) {
    String type = adapter.optionalText("peft_type").orElseThrow(
        () -> new GraftException(adapter.source() + ": \"peft_type\" is missing, so the method is unknown"));
    List<InstalledPlugin<PeftMethod<?>>> claiming = methods.values().stream()
        .filter(found -> found.plugin().peftType().equals(type) && found.plugin().claims(adapter)).toList();
    if (claiming.isEmpty()) {
      throw new GraftException(adapter.source() + ": " + unclaimed(type, adapter));
    }
    long most = claiming.stream().mapToLong(found -> matching(found.plugin(), adapter)).max().orElse(0);
    List<InstalledPlugin<PeftMethod<?>>> closest = claiming.stream()
        .filter(found -> matching(found.plugin(), adapter) == most).toList();
    if (closest.size() > 1) {
      throw new GraftException(adapter.source() + ": several methods claim this configuration alike: "
          + String.join(", ", closest.stream().map(InstalledPlugin::describe).toList())
          + ". Remove the jars of all but one");
    }
    return closest.getFirst().plugin();
  }

  /** Counts the discriminators of a method that a configuration has. */
  private static long matching(PeftMethod<?> method, Configuration adapter) {
    return method.discriminators().entrySet().stream()
        .filter(entry -> adapter.value(entry.getKey()).filter(entry.getValue()::equals).isPresent()).count();
  }

  private String unclaimed(String type, Configuration adapter) {
    List<InstalledPlugin<PeftMethod<?>>> related = methods.values().stream()
        .filter(found -> found.plugin().peftType().equals(type)).toList();
    if (related.isEmpty()) {
      Collection<String> types = new TreeSet<>(
          methods.values().stream().map(m -> m.plugin().peftType()).toList());
      return "no installed method reads peft_type \"" + type + "\"" + alternatives(type, types)
          + ". Add the jar of a method that reads it";
    }
    List<String> marks = adapter.values().keySet().stream()
        .filter(key -> related.stream().anyMatch(found -> claimsWithout(key, found.plugin(), adapter)))
        .map(key -> "\"" + key + "\": " + adapter.values().get(key)).toList();
    return "no installed method reads peft_type \"" + type + "\" "
        + (marks.isEmpty() ? "with these settings" : "with " + String.join(" or ", marks))
        + "; what is installed for it reads another variant: "
        + String.join(", ", related.stream().map(InstalledPlugin::describe).toList())
        + ". Add the jar of the method that reads this one, or change the settings" + notLoaded();
  }

  /** Tells whether a setting alone is why a method does not claim a configuration. */
  private static boolean claimsWithout(String key, PeftMethod<?> method, Configuration adapter) {
    Map<String, Object> others = new LinkedHashMap<>(adapter.values());
    others.remove(key);
    return method.claims(new Configuration(adapter.source(), others));
  }

  /**
   * Returns the family that reads a model type.
   *
   * @throws GraftException if there is none, listing the model types that are known, or if there are several
   */
  public ModelFamily family(String modelType) {
    List<InstalledPlugin<ModelFamily>> reading = families.values().stream()
        .filter(found -> found.plugin().modelTypes().contains(modelType)).toList();
    if (reading.size() > 1) {
      throw new GraftException("config.json: several plug-ins read model_type \"" + modelType + "\": "
          + String.join(", ", reading.stream().map(InstalledPlugin::describe).toList())
          + ". Remove all but the one that is to read it");
    }
    if (reading.isEmpty()) {
      Collection<String> types = new TreeSet<>();
      families.values().forEach(found -> types.addAll(found.plugin().modelTypes()));
      throw new GraftException("config.json: no installed plug-in knows model_type \"" + modelType + "\""
          + alternatives(modelType, types));
    }
    return reading.getFirst().plugin();
  }

  /**
   * Opens the tokenizer and chat template of a model folder.
   *
   * @throws GraftException if no jar on the class path reads them, or a file is faulty
   */
  public TextCodec textCodec(Path modelFolder) {
    return textCodecs.values().stream().findFirst().map(found -> found.plugin().open(modelFolder))
        .orElseThrow(
            () -> new GraftException("No installed jar reads tokenizers and data files: add graft-data to"
                + " the class path, or hand in tokens (BatchSource, GraftModel.generate)"));
  }

  /** Returns all quantizers. */
  public List<Quantizer> quantizers() {
    return quantizers.values().stream().map(InstalledPlugin::plugin).toList();
  }
}
