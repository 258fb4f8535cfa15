package dev.graft.backend.cuda;

import dev.graft.graph.HostTensor;
import dev.graft.graph.Signature;
import dev.graft.compiler.memory.BestFit;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Says what a program does, in order, and where it keeps each value.
 *
 * @param steps what the device is told
 * @param feeds where fed values go, by name
 * @param outputs where results are found at the end, by name, in row-major order
 * @param signatures types and shapes of the results
 * @param constants values of fixed memory
 * @param workBytes size of the arena
 */
record Plan(List<Step.Located> steps, Map<String, View> feeds, Map<String, View> outputs,
    Map<String, Signature> signatures, List<HostTensor> constants, long workBytes) {
  private static final long ALIGNMENT = 256;

  /** Gives every value that a run computes its place: two that are needed at one time share nothing. */
  static Plan of(List<Step.Located> steps, Map<String, View> feeds, Map<String, View> outputs,
      Map<String, Signature> signatures, List<HostTensor> constants) {
    Set<Storage.Work> all = new LinkedHashSet<>();
    feeds.values().forEach(view -> use(view.storage(), 0, all));
    for (int i = 0; i < steps.size(); i++) {
      for (Storage storage : steps.get(i).step().storages()) {
        use(storage, i, all);
      }
    }
    outputs.values().forEach(view -> use(view.storage(), steps.size(), all));
    return new Plan(List.copyOf(steps), feeds, outputs, signatures, constants, place(all, steps.size()));
  }

  private static void use(Storage storage, int step, Set<Storage.Work> all) {
    if (storage instanceof Storage.Work work) {
      work.usedBy(step);
      all.add(work);
    }
  }

  private static long place(Set<Storage.Work> all, int steps) {
    List<List<Storage.Work>> starts = new ArrayList<>();
    List<List<Storage.Work>> ends = new ArrayList<>();
    for (int i = 0; i <= steps; i++) {
      starts.add(new ArrayList<>());
      ends.add(new ArrayList<>());
    }
    for (Storage.Work work : all) {
      starts.get(work.first()).add(work);
      ends.get(work.last()).add(work);
    }
    BestFit memory = new BestFit(ALIGNMENT);
    for (int i = 0; i <= steps; i++) {
      starts.get(i).forEach(work -> work.place(memory.allocate(work.bytes())));
      ends.get(i).forEach(work -> memory.free(work.offset(), work.bytes()));
    }
    return memory.bytes();
  }
}
