package dev.graft.backend.cuda;

import dev.graft.error.GraftException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * NVIDIA's libraries, found and loaded.
 *
 * @param driver libcuda, of the GPU's driver
 * @param nvrtc the compiler of kernels
 * @param cublasLt matrix products
 * @param cudnn attention; empty where it is not installed
 */
record CudaLibraries(NativeLibrary driver, NativeLibrary nvrtc, NativeLibrary cublasLt,
    Optional<NativeLibrary> cudnn) {

  private static final List<String> DRIVER = List.of("1");
  private static final List<String> TOOLKIT = List.of("13", "12");
  private static final List<String> CUDNN = List.of("9");

  /**
   * Loads all that is there.
   *
   * @throws GraftException if one that is needed is missing; says how to get it
   */
  static CudaLibraries load(Map<String, String> environment, Path cache) {
    LibrarySearch search = new LibrarySearch(environment);
    RedistJar jar = new RedistJar(cache);
    NativeLibrary driver = driver(search);
    NativeLibrary nvrtc = toolkit(search, jar, "libnvrtc.so", "nvidia-cuda-nvrtc");
    loadBuiltins(nvrtc.file());
    NativeLibrary cublasLt = toolkit(search, jar, "libcublasLt.so", "nvidia-cublas");
    return new CudaLibraries(driver, nvrtc, cublasLt, cudnn(search, jar));
  }

  private static NativeLibrary driver(LibrarySearch search) {
    Path file = search.find("libcuda.so", DRIVER).orElse(Path.of("libcuda.so.1"));
    try {
      return new NativeLibrary(file);
    } catch (IllegalArgumentException e) {
      throw new GraftException("there is no libcuda.so.1: install NVIDIA's driver", e);
    }
  }

  private static NativeLibrary toolkit(LibrarySearch search, RedistJar jar, String stem, String wheel) {
    Path file = search.find(stem, TOOLKIT).or(() -> jar.find(stem, TOOLKIT))
        .orElseThrow(() -> new GraftException("there is no " + stem + "." + TOOLKIT.getFirst() + " or ."
            + TOOLKIT.getLast() + ": install the CUDA toolkit, or Python's package " + wheel
            + ", or put the jar org.bytedeco:cuda with classifier linux-x86_64-redist on the class path;"
            + " other places are named by " + LibrarySearch.SETTING));
    try {
      return new NativeLibrary(file);
    } catch (IllegalArgumentException e) {
      throw new GraftException(file + " cannot be loaded: " + e.getMessage(), e);
    }
  }

  /** Loads what the compiler of kernels needs from beside it, and would look for elsewhere. */
  static void loadBuiltins(Path compiler) {
    Path folder = compiler.getParent();
    if (folder != null) {
      try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, "libnvrtc-builtins.so.*")) {
        files.forEach(NativeLibrary::new);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  private static Optional<NativeLibrary> cudnn(LibrarySearch search, RedistJar jar) {
    try {
      // Its parts find each other, once the one that they all need is there.
      search.find("libcudnn_graph.so", CUDNN).ifPresent(NativeLibrary::new);
      return search.find("libcudnn.so", CUDNN).or(() -> jar.find("libcudnn.so", CUDNN))
          .map(NativeLibrary::new);
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }
}
