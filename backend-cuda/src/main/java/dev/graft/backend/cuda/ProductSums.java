package dev.graft.backend.cuda;

import dev.graft.graph.Graph;
import dev.graft.graph.Op;
import dev.graft.graph.Primitive.Binary;
import dev.graft.graph.Primitive.MatMul;
import dev.graft.graph.Primitive;
import dev.graft.graph.Tensor;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Finds sums some of whose terms are matrix products that nothing else reads: each such product is added to
 * what was summed before it, instead of being written, read and added. That is the form of every low-rank
 * adapter, of residual connections, and of gradients that several products contribute to.
 */
final class ProductSums {
  /** A product, perhaps scaled and reshaped on the way to its sum. */
  record Term(Tensor product, double alpha) {
    long inner() {
      return product.input(0).dim(((MatMul) product.op()).transposeA() ? -2 : -1);
    }
  }

  /**
   * A sum.
   *
   * @param others terms that are not products, of the sum's own shape or another of its size
   * @param products those that are added, the one with the shortest contracted axis first
   */
  record Sum(List<Tensor> others, List<Term> products) {}

  private final Map<Tensor, Integer> readers = new HashMap<>();
  private final Map<Tensor, Sum> sums = new HashMap<>();
  private final Map<Tensor, Term> scaled = new HashMap<>();
  private final Set<Tensor> absorbed = new HashSet<>();

  ProductSums(Graph graph) {
    for (Tensor node : graph.schedule()) {
      new LinkedHashSet<>(node.inputs()).forEach(this::count);
      // A node that reads a value twice is no sum of two values.
      if (node.inputs().size() == 2 && node.input(0) == node.input(1)) {
        count(node.input(0));
      }
    }
    graph.outputs().values().forEach(this::count);
    graph.assignments().forEach(each -> count(each.value()));
    graph.schedule().reversed().forEach(this::visit);
  }

  private void count(Tensor node) {
    readers.merge(node, 1, Integer::sum);
  }

  private void visit(Tensor node) {
    if (absorbed.contains(node)) {
      return;
    }
    if (isSum(node)) {
      List<Tensor> others = new ArrayList<>();
      List<Term> products = new ArrayList<>();
      Set<Tensor> passed = new HashSet<>();
      node.inputs().forEach(term -> collect(term, others, products, passed));
      if (!products.isEmpty()) {
        // A long product reads what it is added to while it multiplies; a short one would wait for it.
        products.sort(Comparator.comparingLong(Term::inner));
        sums.put(node, new Sum(others, products));
        absorbed.addAll(passed);
      }
    } else if (isScaling(node)) {
      Set<Tensor> passed = new HashSet<>();
      term(node.input(0), factor(node), passed).ifPresent(term -> {
        scaled.put(node, term);
        absorbed.addAll(passed);
      });
    }
  }

  private void collect(Tensor node, List<Tensor> others, List<Term> products, Set<Tensor> passed) {
    Set<Tensor> way = new HashSet<>();
    Optional<Term> term = term(node, 1, way);
    if (term.isPresent()) {
      products.add(term.get());
      passed.addAll(way);
      return;
    }
    Tensor inner = node;
    while (inner.op() instanceof Primitive.Reshape && readers.getOrDefault(inner, 0) == 1) {
      way.add(inner);
      inner = inner.input(0);
    }
    if (isSum(inner) && readers.getOrDefault(inner, 0) == 1) {
      List<Term> before = List.copyOf(products);
      List<Tensor> terms = new ArrayList<>();
      Set<Tensor> further = new HashSet<>();
      inner.inputs().forEach(each -> collect(each, terms, products, further));
      if (products.size() > before.size()) {
        others.addAll(terms);
        passed.addAll(further);
        passed.addAll(way);
        passed.add(inner);
        return;
      }
    }
    others.add(node);
  }

  private Optional<Term> term(Tensor node, double alpha, Set<Tensor> way) {
    if (readers.getOrDefault(node, 0) != 1) {
      return Optional.empty();
    }
    way.add(node);
    return switch (node.op()) {
      case MatMul _ when node.shape().rank() == 2 && node.shape().size() > 0
          && node.input(0).shape().size() > 0 ->
        Optional.of(new Term(node, alpha));
      case Primitive.Reshape _ -> term(node.input(0), alpha, way);
      case Binary _ when isScaling(node) -> term(node.input(0), alpha * factor(node), way);
      case Op _ -> Optional.empty();
    };
  }

  private static boolean isSum(Tensor node) {
    return node.op() instanceof Binary(Binary.Function function) && function == Binary.Function.ADD
        && node.dtype().isFloating() && node.input(0).shape().equals(node.shape())
        && node.input(1).shape().equals(node.shape()) && node.input(0) != node.input(1);
  }

  private static boolean isScaling(Tensor node) {
    return node.op() instanceof Binary(Binary.Function function) && function == Binary.Function.MULTIPLY
        && node.input(0).shape().equals(node.shape())
        && node.input(1).op() instanceof Primitive.Fill fill && Double.isFinite(fill.value());
  }

  private static double factor(Tensor scaling) {
    return ((Primitive.Fill) scaling.input(1).op()).value();
  }

  /** Tells whether a node is computed as a part of another. */
  boolean isAbsorbed(Tensor node) {
    return absorbed.contains(node);
  }

  Optional<Sum> sum(Tensor node) {
    return Optional.ofNullable(sums.get(node));
  }

  /** Returns the product of which a node is a multiple. */
  Optional<Term> scaled(Tensor node) {
    return Optional.ofNullable(scaled.get(node));
  }
}
