package dev.graft.backend.djl;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class MatrixLibraryTests {
  private static MatrixLibrary on(String vendor, int family) {
    return MatrixLibrary.of(List.of("processor\t: 0", "vendor_id\t: " + vendor, "cpu family\t: " + family));
  }

  @Test
  void productsGoToOneDnnWhereTheBuiltInLibraryLeavesHalfAUnitIdle() {
    assertThat(on("AuthenticAMD", 26)).isEqualTo(MatrixLibrary.ONE_DNN);
  }

  @Test
  void otherProcessorsKeepTheBuiltInLibrary() {
    assertThat(on("AuthenticAMD", 25)).isEqualTo(MatrixLibrary.BUILT_IN);
    assertThat(on("GenuineIntel", 6)).isEqualTo(MatrixLibrary.BUILT_IN);
    assertThat(MatrixLibrary.of(List.of("CPU architecture: 8"))).isEqualTo(MatrixLibrary.BUILT_IN);
  }
}
