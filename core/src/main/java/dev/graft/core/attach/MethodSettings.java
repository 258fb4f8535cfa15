package dev.graft.core.attach;

import dev.graft.core.PluginCatalog;
import dev.graft.error.GraftException;
import dev.graft.error.Nearest;
import dev.graft.spi.Configuration;
import dev.graft.spi.ModelOutline;
import dev.graft.spi.PeftMethod;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.apiguardian.api.API;

/**
 * Checks the settings of a new adapter. Their names are those of {@code adapter_config.json}; a name that the
 * method does not read is an error, where a stored adapter's is kept.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class MethodSettings {
  private static final String TARGETS = "target_modules";
  private static final String ALL_LINEAR = "all-linear";
  private static final String PEFT_TYPE = "peft_type";
  private static final String TASK_TYPE = "task_type";

  private static final Map<String, List<String>> SHORT_NAMES = Map.of(
      "rank", List.of("r", "init_r"),
      "alpha", List.of("lora_alpha", "alpha"),
      "dropout", List.of("lora_dropout", "dropout", "module_dropout"),
      "targets", List.of(TARGETS));

  private MethodSettings() {
  }

  /** Returns the names of the settings that a method writes. */
  public static Set<String> names(PeftMethod<?> method) {
    return names(method, new Configuration(source(method), fields(method, Map.of())));
  }

  private static <C> Set<String> names(PeftMethod<C> method, Configuration json) {
    return new TreeSet<>(method.write(method.read(json)).keySet());
  }

  /**
   * Returns the setting of a method that goes by a short name that many methods share: {@code rank},
   * {@code alpha}, {@code dropout}, {@code targets}.
   *
   * @throws GraftException if the method has no such setting; lists those it has
   */
  public static String byShortName(PeftMethod<?> method, String shortName) {
    return find(method, shortName).orElseThrow(() -> new GraftException("Method " + method.id() + " has no "
        + shortName + "; its settings are " + String.join(", ", names(method))));
  }

  /** Tells whether a method has a setting of a short name. */
  public static boolean hasShortName(PeftMethod<?> method, String shortName) {
    return find(method, shortName).isPresent();
  }

  private static Optional<String> find(PeftMethod<?> method, String shortName) {
    Set<String> known = names(method);
    return SHORT_NAMES.getOrDefault(shortName, List.of()).stream().filter(known::contains).findFirst();
  }

  /**
   * Binds a method to a model under new settings.
   *
   * @param settings by name, over the method's {@linkplain PeftMethod#defaults defaults}; a method that chooses
   * its modules acts on every linear layer unless {@code target_modules} says otherwise
   * @throws GraftException if a setting is unknown or faulty, or a target hits nothing
   */
  public static Attachment attach(PluginCatalog plugins, String methodId, Map<String, ?> settings,
      ModelOutline outline) {
    PeftMethod<?> method = plugins.method(methodId);
    Map<String, Object> fields = fields(method, settings);
    if (names(method).contains(TARGETS)) {
      fields.putIfAbsent(TARGETS, ALL_LINEAR);
    }
    check(plugins, method, fields);
    return new Attachment(method, new Configuration(source(method), fields), outline, true);
  }

  private static String source(PeftMethod<?> method) {
    return "Settings of method " + method.id();
  }

  private static Map<String, Object> fields(PeftMethod<?> method, Map<String, ?> settings) {
    Map<String, Object> fields = new LinkedHashMap<>(method.marks());
    fields.put(PEFT_TYPE, method.peftType());
    fields.putAll(method.defaults());
    fields.putAll(settings);
    return fields;
  }

  private static void check(PluginCatalog plugins, PeftMethod<?> method, Map<String, Object> fields) {
    Configuration json = new Configuration(source(method), fields);
    method.read(json);
    if (!method.claims(json) || !method.peftType().equals(fields.get(PEFT_TYPE))) {
      throw new GraftException("These settings are not of method " + method.id() + " but of "
          + plugins.methodFor(json).id() + ": ask for that method");
    }
    Set<String> unknown = json.unread();
    unknown.removeAll(Set.of(PEFT_TYPE, TASK_TYPE));
    unknown.removeAll(method.marks().keySet());
    Set<String> known = names(method);
    for (String name : unknown) {
      String hint = known.contains(name)
          ? "has no effect here"
          : "is no setting of this method" + Nearest.of(name, known)
              .map(near -> " (did you mean \"" + near + "\"?)").orElse("");
      json.fault(name, hint);
    }
    json.finish();
  }
}
