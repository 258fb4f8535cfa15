package dev.graft.backend.djl;

import dev.graft.graph.Assignment;
import dev.graft.graph.Composite;
import dev.graft.graph.Graph;
import dev.graft.graph.Primitive;
import dev.graft.graph.Shape;
import dev.graft.graph.Primitive.Binary;
import dev.graft.graph.Primitive.MatMul;
import dev.graft.graph.Tensor;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Lets matrix products be added where their result is needed, base + alpha · A B, instead of being computed
 * apart and then added: the form of every low-rank adapter, and of every sum of gradients.
 */
final class Fusion {
  private final Map<Tensor, Integer> readers = new HashMap<>();
  private final Map<Tensor, Tensor> replacements = new HashMap<>();
  private final List<Tensor> schedule = new ArrayList<>();

  private Fusion(Graph graph) {
    graph.schedule().forEach(node -> node.inputs().forEach(this::count));
    graph.outputs().values().forEach(this::count);
    graph.assignments().forEach(each -> count(each.value()));
  }

  private void count(Tensor node) {
    readers.merge(node, 1, Integer::sum);
  }

  static Graph of(Graph graph) {
    Fusion fusion = new Fusion(graph);
    graph.schedule().forEach(fusion::visit);
    Map<String, Tensor> outputs = new LinkedHashMap<>();
    graph.outputs().forEach((name, node) -> outputs.put(name, fusion.replacement(node)));
    List<Assignment> assignments = graph.assignments().stream()
        .map(each -> new Assignment(each.variable(), fusion.replacement(each.value()))).toList();
    List<Tensor> roots = new ArrayList<>(outputs.values());
    assignments.forEach(each -> roots.add(each.value()));
    Set<Tensor> needed = new HashSet<>(Graph.reach(roots));
    return new Graph(graph.name(), fusion.schedule.stream().filter(needed::contains).toList(), outputs,
        assignments);
  }

  private Tensor replacement(Tensor node) {
    Tensor found = replacements.get(node);
    if (found == null) {
      throw new IllegalStateException(node + " is used before it is computed");
    }
    return found;
  }

  private void visit(Tensor node) {
    replacements.put(node, fused(node).orElseGet(() -> {
      List<Tensor> inputs = node.inputs().stream().map(this::replacement).toList();
      if (node.op() instanceof Primitive.Reshape) {
        return reshaped(inputs.getFirst(), node.shape(), node.site());
      }
      return add(inputs.equals(node.inputs()) ? node : Tensor.at(node.site(), node.op(), inputs));
    }));
  }

  /** Gives a value another shape; what was reshaped before is reshaped once, or not at all. */
  private Tensor reshaped(Tensor value, Shape shape, String site) {
    Tensor origin = value.op() instanceof Primitive.Reshape ? value.input(0) : value;
    return origin.shape().equals(shape)
        ? origin
        : add(Tensor.at(site, new Primitive.Reshape(shape), List.of(origin)));
  }

  private Tensor add(Tensor node) {
    schedule.add(node);
    return node;
  }

  /** A product that is read by one sum alone, perhaps scaled and reshaped on the way. */
  private record Product(Tensor node, double alpha) {
    private long inner() {
      return node.input(0).dim(((MatMul) node.op()).transposeA() ? 0 : 1);
    }
  }

  private Optional<Tensor> fused(Tensor sum) {
    if (!(sum.op() instanceof Binary binary && binary.function() == Binary.Function.ADD)
        || !sum.dtype().isFloating() || sum.shape().size() == 0
        || !sum.input(0).shape().equals(sum.input(1).shape())) {
      return Optional.empty();
    }
    Optional<Product> left = product(sum.input(0), 1);
    Optional<Product> right = product(sum.input(1), 1);
    // The thinner product is the one to add: its partner is the better to begin with.
    boolean takeRight = right.isPresent()
        && (left.isEmpty() || right.get().inner() <= left.get().inner());
    Optional<Product> taken = takeRight ? right : left;
    return taken.map(product -> addTo(sum, sum.input(takeRight ? 0 : 1), product));
  }

  private Tensor addTo(Tensor sum, Tensor base, Product product) {
    MatMul op = (MatMul) product.node().op();
    Tensor flat = reshaped(replacement(base), product.node().shape(), sum.site());
    Tensor result = add(Tensor.at(sum.site(),
        new AddMatMul(product.alpha(), op.transposeA(), op.transposeB()),
        List.of(flat, replacement(product.node().input(0)), replacement(product.node().input(1)))));
    return reshaped(result, sum.shape(), sum.site());
  }

  private Optional<Product> product(Tensor node, double alpha) {
    if (readers.getOrDefault(node, 0) != 1) {
      return Optional.empty();
    }
    return switch (node.op()) {
      case MatMul _ when node.shape().rank() == 2 && node.input(0).shape().size() > 0 ->
        Optional.of(new Product(node, alpha));
      case Primitive.Reshape _ -> product(node.input(0), alpha);
      case Binary binary when binary.function() == Binary.Function.MULTIPLY
          && node.input(1).op() instanceof Primitive.Fill fill
          && node.input(0).shape().equals(node.shape()) ->
        product(node.input(0), alpha * fill.value());
      case Primitive _,Composite _ -> Optional.empty();
    };
  }
}
