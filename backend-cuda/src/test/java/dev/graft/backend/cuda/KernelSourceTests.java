package dev.graft.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Compiles every kernel that the contract's graphs need. That takes the compiler alone, and no GPU. */
class KernelSourceTests {
  @ParameterizedTest
  @ValueSource(ints = {80, 90, 100})
  void everyKernelOfTheContractCompiles(int capability) {
    Optional<Path> library = new LibrarySearch(System.getenv()).find("libnvrtc.so", List.of("13", "12"));
    assumeTrue(library.isPresent(), "no libnvrtc here: kernels are not compiled");
    CudaLibraries.loadBuiltins(library.orElseThrow());
    Nvrtc compiler = new Nvrtc(new NativeLibrary(library.orElseThrow()));
    Collection<Step.Kernel> kernels = ContractGraphs.kernels();
    Map<String, String> faults = new TreeMap<>();
    kernels.forEach(kernel -> {
      try {
        assertThat(compiler.compile(kernel.source(), capability)).isNotEmpty();
      } catch (IllegalStateException e) {
        faults.put(kernel.function(), String.valueOf(e.getMessage()));
      }
    });
    assertThat(faults).isEmpty();
    assertThat(kernels).hasSizeGreaterThan(100);
  }
}
