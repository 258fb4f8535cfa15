package dev.graft.compiler.pass;

import dev.graft.graph.Graph;
import dev.graft.graph.Tensor;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntConsumer;

/** Counts, while nodes of a schedule are run in another order, which of them have all their operands. */
final class Dependencies {
  private final int[][] users;
  private final int[] missing;

  Dependencies(Graph graph) {
    List<Tensor> schedule = graph.schedule();
    Map<Tensor, Integer> positions = new HashMap<>();
    int[][] operands = new int[schedule.size()][];
    int[] uses = new int[schedule.size()];
    for (int i = 0; i < operands.length; i++) {
      positions.put(schedule.get(i), i);
      operands[i] = schedule.get(i).inputs().stream().distinct().mapToInt(positions::get).toArray();
      for (int operand : operands[i]) {
        uses[operand]++;
      }
    }
    missing = Arrays.stream(operands).mapToInt(each -> each.length).toArray();
    users = new int[operands.length][];
    Arrays.setAll(users, i -> new int[uses[i]]);
    for (int i = operands.length - 1; i >= 0; i--) {
      for (int operand : operands[i]) {
        users[operand][--uses[operand]] = i;
      }
    }
  }

  /** Notes that a node has run, and tells which ones became ready by that, in order of the schedule. */
  void ran(int position, IntConsumer ready) {
    for (int user : users[position]) {
      if (--missing[user] == 0) {
        ready.accept(user);
      }
    }
  }
}
