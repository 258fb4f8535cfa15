package dev.graft.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.core.GraftAdapter;
import dev.graft.core.GraftModel;
import dev.graft.core.ModelOptions;
import dev.graft.core.PluginCatalog;
import dev.graft.error.GraftException;
import dev.graft.formats.AdapterFolder;
import dev.graft.graph.DType;
import dev.graft.methods.lora.LoraConfig;
import dev.graft.methods.lora.LoraMethod;
import dev.graft.spi.Adapter;
import dev.graft.spi.Configuration;
import dev.graft.spi.PeftMethod;
import dev.graft.spi.Setting;
import dev.graft.spi.Site;
import dev.graft.spi.Targets;
import java.io.IOException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Enumeration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Adds methods that share LoRA's {@code peft_type}. */
class MethodVariantTests {
  private static final String SERVICE = "META-INF/services/" + PeftMethod.class.getName();

  @TempDir
  Path folder = Path.of("");

  /** Does what LoRA does, under an id and a discriminator of its own. */
  public static class Variant implements PeftMethod<LoraConfig> {
    private final LoraMethod lora = new LoraMethod();

    @Override
    public String id() {
      return "variant";
    }

    @Override
    public String description() {
      return "a variant of LoRA";
    }

    @Override
    public String peftType() {
      return "LORA";
    }

    @Override
    public Map<String, Object> discriminators() {
      return Map.of("my_variant", "one");
    }

    @Override
    public boolean claims(Configuration configuration) {
      return configuration.value("my_variant").isPresent();
    }

    @Override
    public List<Setting> settings() {
      return lora.settings();
    }

    @Override
    public LoraConfig read(Configuration configuration) {
      return lora.read(configuration);
    }

    @Override
    public Map<String, @Nullable Object> write(LoraConfig configuration) {
      return lora.write(configuration);
    }

    @Override
    public Targets targets(LoraConfig configuration) {
      return lora.targets(configuration);
    }

    @Override
    public Optional<Adapter> adapter(LoraConfig configuration, Site site) {
      return lora.adapter(configuration, site);
    }
  }

  /** Claims the same configurations by as many discriminators. */
  public static final class Rival extends Variant {
    @Override
    public String id() {
      return "rival";
    }
  }

  /** Acts nowhere, so that an adapter has only the modules that it saves. */
  public static final class SavesOnly extends Variant {
    @Override
    public String id() {
      return "saves-only";
    }

    @Override
    public Map<String, Object> discriminators() {
      return Map.of("my_variant", "none");
    }

    @Override
    public boolean claims(Configuration configuration) {
      return configuration.value("my_variant").filter("none"::equals).isPresent();
    }

    @Override
    public Optional<Adapter> adapter(LoraConfig configuration, Site site) {
      return Optional.empty();
    }
  }

  private PluginCatalog with(Class<?>... methods) throws IOException {
    StringBuilder services = new StringBuilder(LoraMethod.class.getName());
    for (Class<?> method : methods) {
      services.append('\n').append(method.getName());
    }
    Path file = Files.writeString(folder.resolve("services"), services);
    return PluginCatalog.discover(new ClassLoader(MethodVariantTests.class.getClassLoader()) {
      @Override
      public Enumeration<URL> getResources(String name) throws IOException {
        return name.equals(SERVICE)
            ? Collections.enumeration(List.of(file.toUri().toURL()))
            : super.getResources(name);
      }
    });
  }

  private static GraftModel open(PluginCatalog plugins) {
    return GraftModel.open(SmallModel.FOLDER, new ModelOptions(Optional.of("reference"), DType.F32, 0),
        plugins);
  }

  @Test
  void theMethodWithTheMostDiscriminatorsReadsAConfiguration() throws IOException {
    Path adapter = folder.resolve("adapter");
    try (GraftModel model = open(with(Variant.class))) {
      model.attach("variant", Map.of("r", 2L, "target_modules", List.of("q_proj"))).save(adapter);
      assertThat(model.load(adapter).attachment().method().id()).isEqualTo("variant");

      model.attach("lora", Map.of("r", 2L, "target_modules", List.of("q_proj"))).save(adapter);
      assertThat(model.load(adapter).attachment().method().id()).isEqualTo("lora");
    }
  }

  @Test
  void twoThatClaimAlikeAreToldBeforeTraining() throws IOException {
    try (GraftModel model = open(with(Variant.class, Rival.class))) {
      assertThatThrownBy(() -> model.attach("variant", Map.of("target_modules", List.of("q_proj"))))
          .isInstanceOf(GraftException.class)
          .hasMessageContainingAll("claim", Variant.class.getName(), Rival.class.getName());
    }
  }

  @Test
  void anAdapterWithoutSitesIsSavedAndLoaded() throws IOException {
    Path folderOfAdapter = folder.resolve("adapter");
    try (GraftModel model = open(with(SavesOnly.class))) {
      GraftAdapter adapter = model.attach("saves-only",
          Map.of("target_modules", List.of("q_proj"), "modules_to_save", List.of("norm")));
      adapter.save(folderOfAdapter);

      try (AdapterFolder saved = AdapterFolder.open(folderOfAdapter)) {
        assertThat(saved.names()).isNotEmpty().allMatch(name -> name.contains("norm"));
      }
      assertThat(model.load(folderOfAdapter).attachment().tensors().keySet())
          .isEqualTo(adapter.attachment().tensors().keySet());
    }
  }
}
