package dev.graft.spi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.graft.error.GraftException;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Checks that faults are gathered from everywhere and named so that users find the field. */
class ConfigurationTests {
  @Test
  void faultsOfSectionsCountInTheWholeUnderTheirPath() {
    Configuration json = new Configuration("config.json",
        Map.of("outer", Map.of("inner", Map.of("size", "big"), "flag", 3)));
    Configuration outer = json.section("outer").orElseThrow();
    outer.flag("flag", false);
    outer.section("inner").orElseThrow().integer("size");
    json.integer("depth");

    assertThatThrownBy(json::finish).isInstanceOf(GraftException.class)
        .hasMessage("config.json: \"outer.flag\" must be true or false, not 3; \"outer.inner.size\" must be a"
            + " whole number, not \"big\"; \"depth\" is missing");
  }

  @Test
  void aFaultThatIsFoundTwiceIsReportedOnce() {
    Configuration json = new Configuration("config.json", Map.of());
    json.integer("depth");
    json.integer("depth");

    assertThatThrownBy(json::finish).hasMessage("config.json: \"depth\" is missing");
  }

  @Test
  void aSectionThatIsAbsentOrNullIsEmpty() {
    assertThat(new Configuration("config.json", Map.of()).section("outer")).isEmpty();
  }
}
