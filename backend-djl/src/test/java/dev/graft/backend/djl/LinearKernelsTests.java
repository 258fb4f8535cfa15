package dev.graft.backend.djl;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class LinearKernelsTests {
  private static LinearKernels on(String vendor, int family) {
    return LinearKernels.of(List.of("processor\t: 0", "vendor_id\t: " + vendor, "cpu family\t: " + family));
  }

  @Test
  void bothDirectionsGoToOneDnnWhereUnitsAreWide() {
    assertThat(on("AuthenticAMD", 26)).isEqualTo(new LinearKernels(true, true));
  }

  @Test
  void onlyWhatNeedsNoReorderingGoesThereWhereUnitsAreNarrow() {
    assertThat(on("AuthenticAMD", 25)).isEqualTo(new LinearKernels(false, true));
  }

  @Test
  void otherProcessorsKeepTheirLibrary() {
    assertThat(on("GenuineIntel", 6)).isEqualTo(new LinearKernels(false, false));
    assertThat(on("AuthenticAMD", 23)).isEqualTo(new LinearKernels(false, false));
    assertThat(LinearKernels.of(List.of("CPU architecture: 8"))).isEqualTo(new LinearKernels(false, false));
  }
}
