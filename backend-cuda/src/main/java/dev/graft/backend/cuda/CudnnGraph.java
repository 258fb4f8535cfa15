package dev.graft.backend.cuda;

import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/** Builds one of cuDNN's operation graphs, and the plan that runs it. */
final class CudnnGraph {
  static final int FLOAT = 0;
  static final int HALF = 2;
  static final int INT32 = 4;
  static final int BFLOAT16 = 9;
  static final int BOOL = 11;

  static final int ADD = 0;
  static final int MULTIPLY = 1;
  static final int DIVIDE = 6;
  static final int SUBTRACT = 9;
  static final int EXP = 13;
  static final int LOG = 15;
  static final int GREATER_OR_EQUAL = 303;
  static final int INDEX = 501;
  static final int SELECT = 601;
  static final int REDUCE_SUM = 0;
  static final int REDUCE_MAX = 3;

  private static final int ALIGNMENT = 16;

  /** A tensor's descriptor. */
  record Node(long descriptor, long id) {}

  /**
   * A plan that can be run.
   *
   * @param plan descriptor
   * @param ids of the tensors that are given addresses: those of memory first, then scalars
   * @param scalars addresses of the scalars
   * @param workspace bytes that it needs beside them
   */
  record Plan(long plan, List<Long> ids, List<Long> scalars, long workspace) {}

  private final Cudnn cudnn;
  private final List<Long> operations = new ArrayList<>();
  private final List<Long> ids = new ArrayList<>();
  private final List<Long> scalarIds = new ArrayList<>();
  private final List<Long> scalars = new ArrayList<>();
  private long next = 1;

  CudnnGraph(Cudnn cudnn) {
    this.cudnn = cudnn;
  }

  /** Declares a tensor in memory. */
  Node memory(int type, long[] dims, long... strides) {
    Node node = tensor(type, dims, strides, false, false);
    ids.add(node.id());
    return node;
  }

  /** Declares a tensor that is never in memory. */
  Node passing(int type, long[] dims, long... strides) {
    return tensor(type, dims, strides, true, false);
  }

  Node scalar(double value) {
    return scalar(FLOAT, cudnn.arena().allocateFrom(ValueLayout.JAVA_FLOAT, (float) value).address());
  }

  Node scalar(int value) {
    return scalar(INT32, cudnn.arena().allocateFrom(ValueLayout.JAVA_INT, value).address());
  }

  private Node scalar(int type, long address) {
    long[] one = {1, 1, 1, 1};
    Node node = tensor(type, one, one, false, true);
    scalarIds.add(node.id());
    scalars.add(address);
    return node;
  }

  private Node tensor(int type, long[] dims, long[] strides, boolean passing, boolean byValue) {
    long tensor = cudnn.create(17);
    long id = next++;
    cudnn.set(tensor, 906, Cudnn.INT64, id);
    cudnn.setInt(tensor, 901, Cudnn.DATA_TYPE, type);
    cudnn.set(tensor, 900, Cudnn.INT64, byValue ? Float.BYTES : ALIGNMENT);
    cudnn.set(tensor, 902, Cudnn.INT64, dims);
    cudnn.set(tensor, 903, Cudnn.INT64, strides);
    if (passing) {
      cudnn.setInt(tensor, 907, Cudnn.BOOLEAN, 1);
    }
    if (byValue) {
      cudnn.setInt(tensor, 908, Cudnn.BOOLEAN, 1);
    }
    cudnn.finish(tensor);
    return new Node(tensor, id);
  }

  private void add(long operation) {
    cudnn.finish(operation);
    operations.add(operation);
  }

  private long pointwise(int mode, int type, Node x, Node y) {
    long function = cudnn.create(0);
    cudnn.setInt(function, 0, Cudnn.POINTWISE_MODE, mode);
    cudnn.setInt(function, 1, Cudnn.DATA_TYPE, type);
    cudnn.finish(function);
    long operation = cudnn.create(13);
    cudnn.set(operation, 750, Cudnn.DESCRIPTOR, function);
    cudnn.set(operation, 751, Cudnn.DESCRIPTOR, x.descriptor());
    cudnn.set(operation, 753, Cudnn.DESCRIPTOR, y.descriptor());
    return operation;
  }

  Node apply(int mode, int type, Node x, Node y) {
    add(pointwise(mode, type, x, y));
    return y;
  }

  Node apply(int mode, int type, Node x, Node other, Node y) {
    long operation = pointwise(mode, type, x, y);
    cudnn.set(operation, 752, Cudnn.DESCRIPTOR, other.descriptor());
    add(operation);
    return y;
  }

  /** Takes x where a condition holds, else the other. */
  Node select(Node x, Node other, Node condition, Node y) {
    long operation = pointwise(SELECT, FLOAT, x, y);
    cudnn.set(operation, 752, Cudnn.DESCRIPTOR, other.descriptor());
    cudnn.set(operation, 758, Cudnn.DESCRIPTOR, condition.descriptor());
    add(operation);
    return y;
  }

  /** Counts along an axis. */
  Node index(int axis, Node x, Node y) {
    long function = cudnn.create(0);
    cudnn.setInt(function, 0, Cudnn.POINTWISE_MODE, INDEX);
    cudnn.setInt(function, 1, Cudnn.DATA_TYPE, INT32);
    cudnn.set(function, 9, Cudnn.INT64, axis);
    cudnn.finish(function);
    long operation = cudnn.create(13);
    cudnn.set(operation, 750, Cudnn.DESCRIPTOR, function);
    cudnn.set(operation, 751, Cudnn.DESCRIPTOR, x.descriptor());
    cudnn.set(operation, 753, Cudnn.DESCRIPTOR, y.descriptor());
    add(operation);
    return y;
  }

  Node multiply(Node a, Node b, Node c) {
    long function = cudnn.create(18);
    cudnn.setInt(function, 1500, Cudnn.DATA_TYPE, FLOAT);
    cudnn.finish(function);
    long operation = cudnn.create(19);
    cudnn.set(operation, 1523, Cudnn.DESCRIPTOR, function);
    cudnn.set(operation, 1520, Cudnn.DESCRIPTOR, a.descriptor());
    cudnn.set(operation, 1521, Cudnn.DESCRIPTOR, b.descriptor());
    cudnn.set(operation, 1522, Cudnn.DESCRIPTOR, c.descriptor());
    add(operation);
    return c;
  }

  Node reduce(int mode, Node x, Node y) {
    long function = cudnn.create(21);
    cudnn.setInt(function, 1600, Cudnn.REDUCTION_OPERATOR, mode);
    cudnn.setInt(function, 1601, Cudnn.DATA_TYPE, FLOAT);
    cudnn.finish(function);
    long operation = cudnn.create(22);
    cudnn.set(operation, 1612, Cudnn.DESCRIPTOR, function);
    cudnn.set(operation, 1610, Cudnn.DESCRIPTOR, x.descriptor());
    cudnn.set(operation, 1611, Cudnn.DESCRIPTOR, y.descriptor());
    add(operation);
    return y;
  }

  /** Reads a tensor under other strides. */
  Node reshape(Node x, Node y) {
    long operation = cudnn.create(31);
    cudnn.set(operation, 2200, Cudnn.DESCRIPTOR, x.descriptor());
    cudnn.set(operation, 2201, Cudnn.DESCRIPTOR, y.descriptor());
    add(operation);
    return y;
  }

  /**
   * Takes the first of cuDNN's proposals that it can carry out.
   *
   * @throws CudaException if there is none
   */
  Plan plan() {
    long graph = cudnn.create(15);
    cudnn.set(graph, 800, Cudnn.HANDLE, cudnn.handle());
    cudnn.set(graph, 801, Cudnn.DESCRIPTOR, operations.stream().mapToLong(Long::longValue).toArray());
    cudnn.finish(graph);
    for (int mode : new int[]{3, 2}) {
      for (long configuration : proposals(graph, mode)) {
        long plan = cudnn.create(5);
        try {
          cudnn.set(plan, 400, Cudnn.HANDLE, cudnn.handle());
          cudnn.set(plan, 401, Cudnn.DESCRIPTOR, configuration);
          cudnn.finish(plan);
          List<Long> all = new ArrayList<>(ids);
          all.addAll(scalarIds);
          return new Plan(plan, all, scalars, cudnn.longValue(plan, 402));
        } catch (CudaException e) {
          cudnn.destroy(plan);
        }
      }
    }
    throw new CudaException("cuDNN has no plan: " + cudnn.lastError(), -1);
  }

  private List<Long> proposals(long graph, int mode) {
    long heuristic = cudnn.create(4);
    List<Long> made = new ArrayList<>();
    try {
      cudnn.set(heuristic, 201, Cudnn.DESCRIPTOR, graph);
      cudnn.setInt(heuristic, 200, Cudnn.HEURISTIC_MODE, mode);
      cudnn.finish(heuristic);
      long count = cudnn.count(heuristic, 202, Cudnn.DESCRIPTOR);
      for (long i = 0; i < count; i++) {
        made.add(cudnn.create(3));
      }
      return count == 0 ? List.of() : made.subList(0, (int) cudnn.fill(heuristic, 202, made));
    } catch (CudaException e) {
      return List.of();
    }
  }
}
