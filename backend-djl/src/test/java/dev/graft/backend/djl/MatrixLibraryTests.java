package dev.graft.backend.djl;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class MatrixLibraryTests {
  private static MatrixLibrary on(String vendor, String flags) {
    return MatrixLibrary.of(List.of("processor\t: 0", "vendor_id\t: " + vendor, "flags\t\t: fpu " + flags));
  }

  @Test
  void productsGoToOneDnnWhereTheBuiltInLibraryKeepsItsBestCodeForOthers() {
    assertThat(on("AuthenticAMD", "avx2 avx512f avx512dq")).isEqualTo(MatrixLibrary.ONE_DNN);
    assertThat(on("AuthenticAMD", "avx512f")).isEqualTo(MatrixLibrary.ONE_DNN);
  }

  @Test
  void otherProcessorsKeepTheBuiltInLibrary() {
    assertThat(on("AuthenticAMD", "avx2")).isEqualTo(MatrixLibrary.BUILT_IN);
    assertThat(on("GenuineIntel", "avx2 avx512f")).isEqualTo(MatrixLibrary.BUILT_IN);
    assertThat(MatrixLibrary.of(List.of("CPU architecture: 8"))).isEqualTo(MatrixLibrary.BUILT_IN);
  }
}
