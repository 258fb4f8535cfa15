package dev.graft.integration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.core.PluginCatalog;
import dev.graft.error.GraftException;
import dev.graft.methods.lora.LoraMethod;
import dev.graft.spi.Configuration;
import dev.graft.spi.PeftMethod;
import java.io.IOException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.Enumeration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Reads the messages of someone who lacks a plug-in, or asks for what a model does not have. */
class MissingMethodTests {
  private static final String SERVICE = "META-INF/services/" + PeftMethod.class.getName();

  @TempDir
  Path folder;

  /** Sees all plug-ins but of methods only LoRA. */
  private final class LoraAlone extends ClassLoader {
    LoraAlone() {
      super(MissingMethodTests.class.getClassLoader());
    }

    @Override
    public Enumeration<URL> getResources(String name) throws IOException {
      if (!name.equals(SERVICE)) {
        return super.getResources(name);
      }
      Path file = Files.writeString(folder.resolve("services"), LoraMethod.class.getName());
      return Collections.enumeration(List.of(file.toUri().toURL()));
    }
  }

  @Test
  void aVariantWhoseJarIsMissingIsAnsweredByWhatIsInstalledAndTheSettingThatNobodyReads() {
    PluginCatalog plugins = PluginCatalog.discover(new LoraAlone());
    assertThat(plugins.methods().keySet()).containsExactly("lora");

    assertThatThrownBy(() -> plugins.methodFor(
        new Configuration("adapter_config.json", Map.of("peft_type", "LORA", "use_dora", true))))
        .isInstanceOf(GraftException.class).hasMessageStartingWith("adapter_config.json")
        .hasMessageContaining(LoraMethod.class.getName()).hasMessageContaining("\"use_dora\": true")
        .hasMessageNotContaining("did you mean");
  }

  @Test
  void aTypeThatNoMethodReadsIsAnsweredByTheNearestOne() {
    PluginCatalog plugins = PluginCatalog.discover(new LoraAlone());
    assertThatThrownBy(
        () -> plugins.methodFor(new Configuration("adapter_config.json", Map.of("peft_type", "LORRA"))))
        .isInstanceOf(GraftException.class).hasMessageContaining("did you mean \"LORA\"")
        .hasMessageContaining("jar");
  }
}
