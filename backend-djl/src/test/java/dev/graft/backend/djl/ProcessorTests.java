package dev.graft.backend.djl;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class ProcessorTests {
  private static Processor on(String vendor, int family, String flags) {
    return Processor.of(List.of("processor\t: 0", "vendor_id\t: " + vendor, "cpu family\t: " + family,
        "flags\t\t: fpu vme " + flags));
  }

  @Test
  void productsGoToOneDnnWhereTheBuiltInLibraryLeavesUnitsIdle() {
    Processor zen5 = on("AuthenticAMD", 26, "avx2");
    assertThat(zen5.products()).isEqualTo(MatrixLibrary.ONE_DNN);
    assertThat(zen5.thinProducts()).isEqualTo(MatrixLibrary.ONE_DNN);
    Processor zen3 = on("AuthenticAMD", 25, "avx2");
    assertThat(zen3.products()).isEqualTo(MatrixLibrary.BUILT_IN);
    assertThat(zen3.thinProducts()).isEqualTo(MatrixLibrary.ONE_DNN);
  }

  @Test
  void otherProcessorsKeepTheBuiltInLibrary() {
    assertThat(List.of(on("AuthenticAMD", 26, "avx"), on("GenuineIntel", 6, "avx2"))).allMatch(
        other -> other.products() == MatrixLibrary.BUILT_IN
            && other.thinProducts() == MatrixLibrary.BUILT_IN);
  }

  @Test
  void halfTypesAreMultipliedWhereOneDnnHasInstructionsForThem() {
    assertThat(on("AuthenticAMD", 25, "avx2 avx512dq avx512bw avx512vl").multipliesHalfTypes()).isTrue();
    assertThat(on("AuthenticAMD", 25, "avx2").multipliesHalfTypes()).isFalse();
    assertThat(on("GenuineIntel", 6, "avx2 avx512f").multipliesHalfTypes()).isFalse();
  }

  @Test
  void whatIsNotKnownIsLeftToPyTorch() {
    assertThat(Processor.of(List.of("CPU architecture: 8")))
        .isEqualTo(new Processor(MatrixLibrary.BUILT_IN, MatrixLibrary.BUILT_IN, true));
  }
}
