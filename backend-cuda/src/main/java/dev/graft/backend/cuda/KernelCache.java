package dev.graft.backend.cuda;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Optional;

/**
 * Keeps compiled kernels on disk, by a hash of their source, the compiler's version and the architecture. A
 * file holds the code's own hash before it, so that one which was damaged is compiled again; it is written
 * aside and renamed, so that processes do not disturb each other. A folder that cannot be written to is no
 * fault.
 */
final class KernelCache {
  private static final int HASH = 32;

  private final Nvrtc compiler;
  private final int capability;
  private final Path folder;
  private final String version;

  KernelCache(Nvrtc compiler, int capability, Path folder) {
    this.compiler = compiler;
    this.capability = capability;
    this.folder = folder;
    this.version = compiler.version();
  }

  byte[] cubin(String source) {
    byte[] key = hash((version + " sm_" + capability + "\n" + source).getBytes(StandardCharsets.UTF_8));
    Path file = folder.resolve(HexFormat.of().formatHex(key, 0, 16) + ".cubin");
    return stored(file).orElseGet(() -> {
      byte[] code = compiler.compile(source, capability);
      store(file, code);
      return code;
    });
  }

  private static Optional<byte[]> stored(Path file) {
    try {
      byte[] content = Files.readAllBytes(file);
      if (content.length > HASH) {
        byte[] code = Arrays.copyOfRange(content, HASH, content.length);
        if (Arrays.equals(hash(code), 0, HASH, content, 0, HASH)) {
          return Optional.of(code);
        }
      }
    } catch (IOException e) {
      // Not there, or not to be read: it is compiled.
    }
    return Optional.empty();
  }

  private void store(Path file, byte[] code) {
    try {
      Files.createDirectories(folder);
      Path part = Files.createTempFile(folder, "kernel", ".part");
      byte[] content = Arrays.copyOf(hash(code), HASH + code.length);
      System.arraycopy(code, 0, content, HASH, code.length);
      Files.write(part, content);
      Files.move(part, file, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      // Without the file the next process compiles again.
    }
  }

  private static byte[] hash(byte[] content) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(content);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
