package dev.graft.core.train;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.core.StepReport;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunLogTests {
  @TempDir
  Path folder;

  private final List<String> notices = new ArrayList<>();

  private Path file() {
    return folder.resolve("log.jsonl");
  }

  private RunLog open(long lastStep) {
    return RunLog.open(file(), lastStep, notices::add);
  }

  private static StepReport report(long step, double loss) {
    return new StepReport(step, 9, loss, 0.5, 0.25, 30, 2, 4096);
  }

  private void write(long... steps) {
    try (RunLog log = open(0)) {
      for (long step : steps) {
        log.step(report(step, 10 + step));
        log.evaluation(step, 20 + step);
      }
    }
  }

  @Test
  void aStepsLineHoldsAllOfItsReport() throws IOException {
    try (RunLog log = open(0)) {
      log.evaluation(0, 7.5);
      log.step(report(1, 0.125));
      log.notice(1, "something \"odd\"");
    }
    assertThat(Files.readAllLines(file()).stream().map(line -> line.replace(" ", "")).toList())
        .satisfies(lines -> {
          assertThat(lines).hasSize(3);
          assertThat(lines.get(0)).contains("\"step\":0", "\"validation_loss\":7.5")
              .doesNotContain("\"loss\"");
          assertThat(lines.get(1)).contains("\"step\":1,", "\"loss\":0.125", "\"gradient_norm\":0.5",
              "\"learning_rate\":0.25", "\"tokens\":30,", "\"seconds\":2.0", "\"tokens_per_second\":15.0",
              "\"planned_bytes\":4096");
          assertThat(lines.get(2)).contains("\"notice\":\"something\\\"odd\\\"\"");
        });
  }

  @Test
  void lossesAreReadBackToTheBit() {
    double loss = 1.0 / 3;
    try (RunLog log = open(0)) {
      log.evaluation(0, Math.PI);
      log.step(report(1, loss));
      log.notice(1, "no loss");
      log.evaluation(1, Math.E);
    }
    assertThat(RunLog.read(file())).isEqualTo(new RunLog.Curves(List.of(new RunLog.Point(1, loss)),
        List.of(new RunLog.Point(0, Math.PI), new RunLog.Point(1, Math.E))));
  }

  @Test
  void everyLineIsOnDiskBeforeTheLogIsClosed() {
    try (RunLog log = open(0)) {
      log.step(report(1, 3));
      assertThat(RunLog.read(file()).training()).hasSize(1);
    }
  }

  @Test
  void aNewRunBeginsANewLog() {
    write(1, 2, 3);
    open(0).close();
    assertThat(RunLog.read(file())).isEqualTo(new RunLog.Curves(List.of(), List.of()));
  }

  @Test
  void goingOnDropsWhatCameAfterTheStepAndKeepsTheRest() {
    write(1, 2, 3, 4);
    try (RunLog log = open(2)) {
      log.step(report(3, 99));
    }
    assertThat(RunLog.read(file())).isEqualTo(new RunLog.Curves(
        List.of(new RunLog.Point(1, 11), new RunLog.Point(2, 12), new RunLog.Point(3, 99)),
        List.of(new RunLog.Point(1, 21), new RunLog.Point(2, 22))));
    assertThat(notices).isEmpty();
  }

  @Test
  void aLineThatAKilledProcessLeftUnfinishedIsPassedOver() throws IOException {
    write(1, 2);
    Files.writeString(file(), "{\"step\": 3, \"lo", StandardOpenOption.APPEND);
    assertThat(RunLog.read(file()).training()).hasSize(2);
    try (RunLog log = open(2)) {
      log.step(report(3, 13));
    }
    assertThat(RunLog.read(file()).training()).extracting(RunLog.Point::step).containsExactly(1L, 2L, 3L);
    assertThat(Files.readString(file())).doesNotContain("\"lo\n");
  }

  @Test
  void bytesThatAreNoTextDoNotHinder() throws IOException {
    write(1);
    Files.write(file(), new byte[]{0, (byte) 0xff, (byte) 0xc3, 0, '\n'}, StandardOpenOption.APPEND);
    open(1).close();
    assertThat(RunLog.read(file()).training()).hasSize(1);
    assertThat(Files.readString(file(), StandardCharsets.UTF_8).lines()).hasSize(2);
  }

  @Test
  void lostLinesOfEarlierStepsAreTold() {
    write(1, 3, 4);
    open(4).close();
    assertThat(notices).hasSize(1);
    assertThat(notices.getFirst()).contains(file().toString(), "lost its lines of step 2;");
    notices.clear();
    open(6).close();
    assertThat(notices.getFirst()).contains("3 steps, from step 2 on");
  }

  @Test
  void aLogThatIsGoneIsToldAndBegunAgain() {
    try (RunLog log = open(2)) {
      log.step(report(3, 1));
    }
    assertThat(notices.getFirst()).contains("2 steps, from step 1 on");
    assertThat(RunLog.read(file()).training()).extracting(RunLog.Point::step).containsExactly(3L);
  }
}
