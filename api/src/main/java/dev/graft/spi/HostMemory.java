package dev.graft.spi;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apiguardian.api.API;

/**
 * Reads how much of the host's memory a process may still take: what the machine has free, and what the control
 * groups that the process is in leave it, of version 1 or 2. Memory that the system only keeps files in counts
 * as free, since it is given up when needed.
 *
 * @param root under which the system's files {@code proc} and {@code sys} are found
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record HostMemory(Path root) {
  private static final Pattern FREE = Pattern.compile("MemAvailable:\\s+(\\d+) kB");
  private static final Pattern TAKEN = Pattern.compile("VmRSS:\\s+(\\d+) kB");
  private static final Pattern UNIFIED = Pattern.compile("0::(/.*)");
  private static final Pattern MEMORY = Pattern.compile("\\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(/.*)");
  private static final String GROUPS = "sys/fs/cgroup";

  /** The names of a version's files, and of the numbers in its statistics that tell what can be given up. */
  private record Version(String usage, List<String> limits, List<String> reclaimable) {
    static final Version TWO = new Version("memory.current", List.of("memory.max", "memory.high"),
        List.of("inactive_file", "active_file", "slab_reclaimable"));
    static final Version ONE = new Version("memory.usage_in_bytes", List.of("memory.limit_in_bytes"),
        List.of("total_inactive_file", "total_active_file"));
  }

  /** Returns the memory of the machine that this process runs on. */
  public static HostMemory ofThisProcess() {
    return new HostMemory(Path.of("/"));
  }

  /**
   * Returns the bytes that this process may still take; empty where the system does not tell, as outside of
   * Linux.
   */
  public OptionalLong available() {
    List<Long> bounds = new ArrayList<>();
    number("proc/meminfo", FREE).ifPresent(bounds::add);
    for (String line : lines(root.resolve("proc/self/cgroup"))) {
      Matcher unified = UNIFIED.matcher(line);
      if (unified.matches()) {
        // Beside groups of version 1, those of version 2 are mounted in a folder of their own.
        left(GROUPS, unified.group(1), Version.TWO, bounds);
        left(GROUPS + "/unified", unified.group(1), Version.TWO, bounds);
      }
      Matcher memory = MEMORY.matcher(line);
      if (memory.matches()) {
        left(GROUPS + "/memory", memory.group(1), Version.ONE, bounds);
      }
    }
    return bounds.stream().mapToLong(Long::longValue).min();
  }

  /** Returns the bytes of memory that this process has now; empty where the system does not tell. */
  public OptionalLong taken() {
    return number("proc/self/status", TAKEN).map(OptionalLong::of).orElseGet(OptionalLong::empty);
  }

  /** Adds what a group and those that it lies in leave; a container sees its own group as the topmost. */
  private void left(String mount, String group, Version version, List<Long> bounds) {
    Path top = root.resolve(mount);
    Path folder = top;
    List<Path> folders = new ArrayList<>(List.of(top));
    for (String name : group.split("/")) {
      folder = folder.resolve(name);
      folders.add(folder);
    }
    for (Path each : folders) {
      OptionalLong usage = only(each.resolve(version.usage()));
      if (usage.isPresent()) {
        long used = Math.max(0, usage.getAsLong() - reclaimable(each, version));
        version.limits().stream().flatMapToLong(name -> only(each.resolve(name)).stream())
            .forEach(limit -> bounds.add(Math.max(0, limit - used)));
      }
    }
  }

  private long reclaimable(Path folder, Version version) {
    return lines(folder.resolve("memory.stat")).stream().map(line -> line.split(" "))
        .filter(parts -> parts.length == 2 && version.reclaimable().contains(parts[0]))
        .mapToLong(parts -> parse(parts[1]).orElse(0)).sum();
  }

  /** Reads a file that holds one number; no limit is told by a word. */
  private static OptionalLong only(Path file) {
    List<String> lines = lines(file);
    return lines.size() == 1 ? parse(lines.getFirst().trim()) : OptionalLong.empty();
  }

  /** Reads a number; a word such as "max", or one that no memory is as large as, is none. */
  private static OptionalLong parse(String number) {
    try {
      return OptionalLong.of(Long.parseLong(number));
    } catch (NumberFormatException e) {
      return OptionalLong.empty();
    }
  }

  private Optional<Long> number(String file, Pattern pattern) {
    return lines(root.resolve(file)).stream().map(pattern::matcher).filter(Matcher::matches)
        .map(found -> Long.parseLong(found.group(1)) * 1024).findFirst();
  }

  private static List<String> lines(Path file) {
    if (!Files.isReadable(file)) {
      return List.of();
    }
    try (Stream<String> lines = Files.lines(file)) {
      return lines.toList();
    } catch (IOException | UncheckedIOException e) {
      // A group may be gone by now.
      return List.of();
    }
  }
}
