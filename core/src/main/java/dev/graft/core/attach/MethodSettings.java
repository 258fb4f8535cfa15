package dev.graft.core.attach;

import dev.graft.core.PluginCatalog;
import dev.graft.error.GraftException;
import dev.graft.error.Nearest;
import dev.graft.spi.Configuration;
import dev.graft.spi.ModelOutline;
import dev.graft.spi.PeftMethod;
import dev.graft.spi.Setting;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.apiguardian.api.API;

/**
 * Checks the settings of a new adapter. Their names are those of {@code adapter_config.json}; a name that the
 * method does not read is an error, where a stored adapter's is kept.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class MethodSettings {
  private static final String PEFT_TYPE = "peft_type";
  private static final String TASK_TYPE = "task_type";

  private MethodSettings() {
  }

  /** Returns the names of a method's settings, in the method's order. */
  public static Set<String> names(PeftMethod<?> method) {
    return method.settings().stream().map(Setting::name)
        .collect(Collectors.toCollection(LinkedHashSet::new));
  }

  /**
   * Returns the setting of a method that goes by a short name that many methods share, such as {@code rank}.
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
    return method.settings().stream().filter(setting -> setting.shortName().equals(Optional.of(shortName)))
        .map(Setting::name).findFirst();
  }

  /**
   * Binds a method to a model under new settings.
   *
   * @param settings by name, over the {@linkplain Setting#start starts} of the method's settings
   * @throws GraftException if a setting is unknown or faulty, or a target hits nothing
   */
  public static Attachment attach(PluginCatalog plugins, String methodId, Map<String, ?> settings,
      ModelOutline outline) {
    PeftMethod<?> method = plugins.method(methodId);
    Map<String, Object> fields = fields(method, settings);
    check(plugins, method, fields);
    return new Attachment(method, new Configuration(source(method), fields), outline, true);
  }

  private static String source(PeftMethod<?> method) {
    return "Settings of method " + method.id();
  }

  private static Map<String, Object> fields(PeftMethod<?> method, Map<String, ?> settings) {
    Map<String, Object> fields = new LinkedHashMap<>(method.discriminators());
    fields.put(PEFT_TYPE, method.peftType());
    method.settings()
        .forEach(setting -> setting.start().ifPresent(value -> fields.put(setting.name(), value)));
    fields.putAll(settings);
    return fields;
  }

  private static void check(PluginCatalog plugins, PeftMethod<?> method, Map<String, Object> fields) {
    Configuration json = new Configuration(source(method), fields);
    method.read(json);
    // Whoever claims them is who will read the saved adapter, so two claimants must show before training.
    PeftMethod<?> claimant = plugins.methodFor(json);
    if (!claimant.id().equals(method.id())) {
      throw new GraftException("These settings are not of method " + method.id() + " but of " + claimant.id()
          + ": ask for that method");
    }
    Set<String> unknown = json.unread();
    unknown.removeAll(Set.of(PEFT_TYPE, TASK_TYPE));
    unknown.removeAll(method.discriminators().keySet());
    Set<String> known = names(method);
    for (String name : unknown) {
      String hint = known.contains(name)
          ? "has no effect here"
          : "is no setting of this method" + Nearest.question(name, known);
      json.fault(name, hint);
    }
    json.finish();
  }
}
