package dev.graft.spi;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Reads trees of files as Linux shows them. */
class HostMemoryTests {
  private static final long MIB = 1 << 20;

  @TempDir
  Path root = Path.of("");

  @BeforeEach
  void machineOfThousandMebibytesFree() throws IOException {
    write("proc/meminfo", "MemTotal:  4096000 kB\nMemFree:  10 kB\nMemAvailable:    1024000 kB\n");
    write("proc/self/status", "Name:\tjava\nVmHWM:\t  9000 kB\nVmRSS:\t  2048 kB\n");
    write("proc/self/cgroup", "");
  }

  private void write(String file, String text) throws IOException {
    Path path = root.resolve(file);
    Files.createDirectories(path.getParent());
    Files.writeString(path, text);
  }

  private void unified(String group, String limit, long usedMib, long filesMib) throws IOException {
    write("sys/fs/cgroup" + group + "/memory.max", limit + "\n");
    write("sys/fs/cgroup" + group + "/memory.current", usedMib * MIB + "\n");
    write("sys/fs/cgroup" + group + "/memory.stat",
        "anon 5\ninactive_file " + filesMib * MIB + "\nactive_file 0\nslab_reclaimable 0\n");
  }

  private long availableMib() {
    return new HostMemory(root).available().orElseThrow() / MIB;
  }

  @Test
  void withoutControlGroupsTheMachineDecides() {
    assertThat(availableMib()).isEqualTo(1000);
    assertThat(new HostMemory(root).taken()).hasValue(2 * MIB);
  }

  @Test
  void aGroupOfVersionTwoLeavesItsLimitLessWhatIsInUseAndCannotBeGivenUp() throws IOException {
    write("proc/self/cgroup", "0::/app\n");
    unified("/app", "" + 600 * MIB, 500, 200);
    assertThat(availableMib()).isEqualTo(300);
  }

  @Test
  void theTightestOfTheGroupsAboveCounts() throws IOException {
    write("proc/self/cgroup", "0::/outer/inner\n");
    unified("/outer", "" + 256 * MIB, 200, 0);
    unified("/outer/inner", "max", 100, 0);
    assertThat(availableMib()).isEqualTo(56);
  }

  @Test
  void aLimitThatOnlySlowsDownCountsToo() throws IOException {
    write("proc/self/cgroup", "0::/app\n");
    unified("/app", "max", 100, 0);
    write("sys/fs/cgroup/app/memory.high", 150 * MIB + "\n");
    assertThat(availableMib()).isEqualTo(50);
  }

  @Test
  void aContainerThatSeesItsOwnGroupAtTheTopIsFound() throws IOException {
    write("proc/self/cgroup", "0::/docker/0123\n");
    unified("", "" + 128 * MIB, 28, 0);
    assertThat(availableMib()).isEqualTo(100);
  }

  @Test
  void aGroupOfVersionOneLeavesWhatItsOwnNumbersSay() throws IOException {
    write("proc/self/cgroup", "5:cpu,cpuacct:/a\n4:memory:/a/b\n0::/\n");
    write("sys/fs/cgroup/memory/a/b/memory.limit_in_bytes", 400 * MIB + "\n");
    write("sys/fs/cgroup/memory/a/b/memory.usage_in_bytes", 300 * MIB + "\n");
    write("sys/fs/cgroup/memory/a/b/memory.stat",
        "total_inactive_file " + 50 * MIB + "\ntotal_active_file " + 25 * MIB + "\n");
    write("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "9223372036854771712\n");
    write("sys/fs/cgroup/memory/a/memory.usage_in_bytes", 300 * MIB + "\n");
    assertThat(availableMib()).isEqualTo(175);
  }

  @Test
  void whatExceedsItsLimitLeavesNothing() throws IOException {
    write("proc/self/cgroup", "0::/app\n");
    unified("/app", "" + 10 * MIB, 50, 0);
    assertThat(availableMib()).isZero();
  }

  @Test
  void aSystemThatTellsNothingIsUnknown() {
    assertThat(new HostMemory(root.resolve("nowhere")).available()).isEmpty();
    assertThat(new HostMemory(root.resolve("nowhere")).taken()).isEmpty();
  }
}
