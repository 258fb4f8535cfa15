package dev.graft.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.spi.Plugin;

/** Holds the duties that all plug-ins share. */
final class PluginRules {
  private PluginRules() {
  }

  static void check(Plugin plugin) {
    assertThat(plugin.id()).as("id").matches("[a-z0-9]+(-[a-z0-9]+)*").hasSizeLessThanOrEqualTo(64);
    assertThat(plugin.spiMajor()).as("number of the service interfaces").isEqualTo(Plugin.SPI_MAJOR);
    assertThat(plugin.description()).as("description").isNotBlank().doesNotContain("\n");
  }
}
