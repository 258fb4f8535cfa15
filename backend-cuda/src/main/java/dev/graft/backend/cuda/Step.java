package dev.graft.backend.cuda;

import dev.graft.graph.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** One thing that the device is told to do. */
sealed interface Step {
  /** Returns all memory that is read or written. */
  List<Storage> storages();

  /**
   * Runs a kernel.
   *
   * @param source CUDA C++ with one kernel
   * @param function the kernel's name
   * @param gridX blocks along x
   * @param gridY blocks along y
   * @param block threads of a block
   * @param shared bytes of dynamic shared memory
   * @param arguments in the order of the parameters
   */
  record Kernel(String source, String function, int gridX, int gridY, int block, int shared,
      List<Argument> arguments) implements Step {
    public Kernel {
      arguments = List.copyOf(arguments);
    }

    @Override
    public List<Storage> storages() {
      List<Storage> storages = new ArrayList<>();
      for (Argument argument : arguments) {
        if (argument instanceof Argument.Address(Storage storage, long _)) {
          storages.add(storage);
        }
      }
      return storages;
    }
  }

  /**
   * Multiplies matrices: out = alpha · a b + beta · c.
   *
   * @param c what is added; empty with beta 0
   */
  record Product(ProductShape shape, View a, View b, Optional<View> c, View out,
      double alpha) implements Step {
    @Override
    public List<Storage> storages() {
      List<Storage> storages = new ArrayList<>(List.of(a.storage(), b.storage(), out.storage()));
      c.ifPresent(view -> storages.add(view.storage()));
      return storages;
    }
  }

  /**
   * Runs attention by cuDNN.
   *
   * @param tensors in the order of the plan
   */
  record AttentionStep(AttentionShape shape, List<View> tensors) implements Step {
    @Override
    public List<Storage> storages() {
      return tensors.stream().map(View::storage).toList();
    }
  }

  /** Sets memory to zero. */
  record Clear(Storage storage, long offset, long bytes) implements Step {
    @Override
    public List<Storage> storages() {
      return List.of(storage);
    }
  }

  /** A step and what it computes, for messages. */
  record Located(Step step, Tensor node) {}
}
