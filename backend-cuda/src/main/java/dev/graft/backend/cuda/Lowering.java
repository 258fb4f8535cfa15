package dev.graft.backend.cuda;

import dev.graft.compiler.memory.Expansion;
import dev.graft.compiler.memory.InPlaceUpdates;
import dev.graft.graph.Assignment;
import dev.graft.graph.Composite;
import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Primitive;
import dev.graft.graph.Shape;
import dev.graft.graph.Signature;
import dev.graft.graph.Tensor;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;

/**
 * Translates a graph, node by node in the order of its schedule, to steps of the device. Elementwise nodes
 * are put off until they are read, so that one kernel computes a whole formula; what only moves elements
 * moves what is read.
 */
final class Lowering {
  /** Nodes between a value and its reader from which on keeping its operands would cost more than computing it. */
  private static final int NEAR = 64;
  private static final int MOST_OPERATIONS = 48;
  private static final int MOST_READS = 12;
  /** A formula that is stretched by more is computed once, not for every place. */
  private static final int STRETCH = 4;

  private final Graph graph;
  private final GpuModel gpu;
  private final Elementwise elementwise;
  private final InPlaceUpdates updates;
  private final ProductSums sums;
  private final NormSums norms;
  private final Map<Tensor, List<Value>> values = new HashMap<>();
  private final Map<Tensor, Integer> readers = new HashMap<>();
  private final Map<Tensor, Integer> lastReader = new HashMap<>();
  private final Map<String, View> feeds = new LinkedHashMap<>();
  private final List<HostTensor> constants = new ArrayList<>();
  private final List<Step.Located> steps = new ArrayList<>();
  private final Set<String> assigned = new HashSet<>();
  private final List<Runnable> postponed = new ArrayList<>();
  private Tensor current;
  private int place;

  private Lowering(Graph graph, GpuModel gpu) {
    this.graph = graph;
    this.gpu = gpu;
    this.elementwise = new Elementwise(gpu);
    this.updates = InPlaceUpdates.of(graph);
    this.sums = new ProductSums(graph);
    this.norms = new NormSums(graph, sums);
    this.current = Tensor.scalar(0, DType.F32);
    graph.assignments().forEach(each -> assigned.add(each.name()));
    for (int i = 0; i < graph.schedule().size(); i++) {
      for (Tensor operand : new LinkedHashSet<>(graph.schedule().get(i).inputs())) {
        readers.merge(operand, 1, Integer::sum);
        lastReader.put(operand, i);
      }
    }
    graph.outputs().values().forEach(this::readAtTheEnd);
    graph.assignments().forEach(each -> readAtTheEnd(each.value()));
  }

  private void readAtTheEnd(Tensor node) {
    readers.merge(node, 1, Integer::sum);
    lastReader.put(node, graph.schedule().size());
  }

  /** Translates a graph for a device. */
  static Plan of(Graph graph, GpuModel gpu, FusedKernels fused) {
    InPlaceUpdates updates = InPlaceUpdates.of(graph);
    Graph expanded = Expansion.of(graph,
        node -> fused.knows(node) || AdamWKernel.takes(node.dtype()) && updates.isUpdate(node));
    return new Lowering(expanded, gpu).translate(fused);
  }

  private Plan translate(FusedKernels fused) {
    for (Tensor node : graph.schedule()) {
      current = node;
      translate(node, fused);
      place++;
    }
    Map<String, View> outputs = new LinkedHashMap<>();
    Map<String, Signature> signatures = new LinkedHashMap<>();
    graph.outputs().forEach((name, node) -> {
      outputs.put(name, lasting(node));
      signatures.put(name, node.signature());
    });
    assign();
    // A feed that nothing reads is fed all the same.
    graph.inputs().forEach((name, signature) -> feed(name, signature));
    return Plan.of(steps, feeds, outputs, signatures, constants);
  }

  private void translate(Tensor node, FusedKernels fused) {
    if (isInPlace(node)) {
      if (updates.isUpdate(node)) {
        AdamWKernel.lower(node, updates, this);
      }
    } else if (!sums.isAbsorbed(node) && !norms.isAbsorbed(node)) {
      Optional<ProductSums.Sum> sum = sums.sum(node);
      Optional<ProductSums.Term> scaled = sums.scaled(node);
      if (sum.isPresent()) {
        new Products(this).lower(node, sum.get());
      } else if (scaled.isPresent()) {
        new Products(this).lower(node, scaled.get());
      } else if (norms.sum(node).isPresent()) {
        NormKernels.lower(node, norms.sum(node).get(), this);
      } else {
        switch (node.op()) {
          case Primitive primitive -> primitive(node, primitive);
          case Composite _ -> fused.lower(node, this);
        }
      }
    }
  }

  /** Tells whether a node is a step of the optimiser that writes to its variables, or a result of one. */
  private boolean isInPlace(Tensor node) {
    return updates.stepOf(node).filter(step -> AdamWKernel.takes(step.dtype())).isPresent();
  }

  /** Writes variables once all else has been read: first values are computed, then they are copied. */
  private void assign() {
    Map<String, View> changes = new LinkedHashMap<>();
    for (Assignment each : graph.assignments()) {
      if (values.containsKey(each.value())) {
        changes.put(each.name(), lasting(each.value()));
      }
    }
    postponed.forEach(Runnable::run);
    changes.forEach((name, view) -> {
      Layout whole = Layout.rowMajor(view.layout().shape());
      if (whole.size() > 0) {
        View variable = new View(new Storage.Held(name), view.dtype(), whole);
        add(elementwise.write(new Expression.Leaf(view), variable, true));
      }
    });
  }

  /** Returns a value in row-major order that stays when variables are written to. */
  private View lasting(Tensor node) {
    View view = rowMajor(node);
    boolean changes = view.storage() instanceof Storage.Held(String variable) && assigned.contains(variable);
    return changes ? copy(new Expression.Leaf(view), node.shape(), node.dtype()) : view;
  }

  private void primitive(Tensor node, Primitive op) {
    switch (op) {
      case Primitive.Input input -> define(node, feed(input.name(), node.signature()));
      case Primitive.Variable variable -> define(node, new View(new Storage.Held(variable.name()),
          node.dtype(), Layout.rowMajor(node.shape())));
      case Primitive.Constant constant -> {
        constants.add(constant.value());
        define(node, new View(new Storage.Fixed(constants.size() - 1), node.dtype(),
            Layout.rowMajor(node.shape())));
      }
      case Primitive.Fill fill -> define(node, new Expression.Number(fill.value(), node.dtype()));
      case Primitive.Iota _ ->
        define(node, new Expression.Place(Layout.rowMajor(node.shape()), node.dtype()));
      case Primitive.Unary _,Primitive.Binary _,Primitive.Compare _,Primitive.Select _,Primitive.Cast _ ->
        apply(node, op);
      case Primitive.Reduce reduce -> reduce(node, reduce);
      case Primitive.MatMul product -> new Products(this).lower(node, product);
      case Primitive.Reshape reshape -> define(node, reshaped(value(node.input(0)), reshape.shape()));
      case Primitive.Permute permute ->
        define(node, moved(node.input(0), layout -> layout.permuted(permute.order())));
      case Primitive.Broadcast broadcast ->
        define(node, stretched(value(node.input(0)), broadcast.shape()));
      case Primitive.Slice slice -> define(node,
          moved(node.input(0), layout -> layout.sliced(slice.axis(), slice.from(), slice.to())));
      case Primitive.Pad pad -> pad(node, pad);
      case Primitive.Concat concat -> concat(node, concat.axis());
      case Primitive.Gather gather -> new Indexing(this).gather(node, gather.axis());
      case Primitive.ScatterAdd scatter -> new Indexing(this).scatterAdd(node, scatter);
      case Primitive.Put put -> new Indexing(this).put(node, put.axis());
      case Primitive.Detach _ -> define(node, value(node.input(0)).expression());
      case Primitive.After _ -> {
        view(node.input(1));
        define(node, value(node.input(0)).expression());
      }
      case Primitive.Pick pick ->
        define(node, results(node.input(0)).get(pick.index()).expression());
    }
  }

  private View feed(String name, Signature signature) {
    return feeds.computeIfAbsent(name, _ -> allocate(signature.dtype(), signature.shape()));
  }

  private void apply(Tensor node, Primitive op) {
    List<Expression> operands = new ArrayList<>();
    for (Tensor input : node.inputs()) {
      operands.add(stretched(value(input), node.shape()));
    }
    Expression formula = new Expression.Apply(op, node.dtype(), operands);
    if (isTooLong(formula)) {
      operands.clear();
      for (Tensor input : node.inputs()) {
        if (value(input).expression().operations() > 0) {
          view(input);
        }
        operands.add(stretched(value(input), node.shape()));
      }
      formula = new Expression.Apply(op, node.dtype(), operands);
    }
    define(node, formula);
  }

  private static boolean isTooLong(Expression formula) {
    List<View> reads = new ArrayList<>();
    formula.collect(reads);
    return formula.operations() > MOST_OPERATIONS || new HashSet<>(reads).size() > MOST_READS;
  }

  private Expression stretched(Value value, Shape to) {
    if (value.shape().equals(to)) {
      return value.expression();
    }
    if (value.expression().operations() > 0 && to.size() >= STRETCH * value.shape().size()
        && value.shape().size() > 0) {
      view(value);
    }
    return value.expression().moved(layout -> Optional.of(layout.stretched(to))).orElseThrow();
  }

  private Expression moved(Tensor operand, UnaryOperator<Layout> move) {
    return value(operand).expression().moved(layout -> Optional.of(move.apply(layout))).orElseThrow();
  }

  private Expression reshaped(Value value, Shape to) {
    return value.expression().moved(layout -> layout.reshaped(to)).orElseGet(() -> {
      View whole = rowMajor(value);
      return new Expression.Leaf(whole.with(new Layout(whole.layout().offset(), to.dims(), to.strides())));
    });
  }

  private void reduce(Tensor node, Primitive.Reduce reduce) {
    Value operand = value(node.input(0));
    View out = allocate(node.dtype(), node.shape());
    if (node.shape().size() > 0) {
      if (operand.shape().size() == 0) {
        add(new Step.Clear(out.storage(), 0, out.bytes()));
      } else {
        new Reduction(gpu)
            .write(reduce, operand.expression(), operand.shape(), out, Storage.Work::new)
            .forEach(this::add);
      }
    }
    define(node, out);
  }

  private void pad(Tensor node, Primitive.Pad pad) {
    View out = allocate(node.dtype(), node.shape());
    if (node.shape().size() > 0) {
      add(new Step.Clear(out.storage(), 0, out.bytes()));
      long length = node.input(0).dim(pad.axis());
      write(node.input(0),
          out.with(out.layout().sliced(pad.axis(), pad.before(), pad.before() + length)));
    }
    define(node, out);
  }

  private void concat(Tensor node, int axis) {
    View out = allocate(node.dtype(), node.shape());
    long from = 0;
    for (Tensor part : node.inputs()) {
      write(part, out.with(out.layout().sliced(axis, from, from + part.dim(axis))));
      from += part.dim(axis);
    }
    define(node, out);
  }

  private void write(Tensor value, View out) {
    if (value.shape().size() > 0) {
      add(elementwise.write(value(value).expression(), out, false));
    }
  }

  // What translations of single operations are made of.

  GpuModel gpu() {
    return gpu;
  }

  /** Returns what the graph is. */
  Graph graph() {
    return graph;
  }

  void add(Step step) {
    steps.add(new Step.Located(step, current));
  }

  /** Returns the number by which the step that is to be added notes a fault. */
  long faultNumber() {
    return steps.size() + 1L;
  }

  /** Puts something off until all values have been read, and variables may be written to. */
  void postpone(Runnable body) {
    postponed.add(body);
  }

  /** Makes memory for a value in row-major order. */
  View allocate(DType dtype, Shape shape) {
    return new View(new Storage.Work(Math.max(1, shape.size() * dtype.bytes())), dtype,
        Layout.rowMajor(shape));
  }

  /** Makes memory for a value [batch, heads, tokens, dim] that lies token by token, heads beside each other. */
  View allocateByToken(DType dtype, Shape shape) {
    long heads = shape.dim(1);
    long tokens = shape.dim(2);
    long dim = shape.dim(3);
    return allocate(dtype, shape)
        .with(new Layout(0, shape.dims(), new long[]{tokens * heads * dim, dim, heads * dim, 1}));
  }

  /** Returns a value [batch, heads, tokens, dim] in memory, each head's elements side by side in whole units. */
  View sideBySide(Tensor node) {
    View view = view(node);
    long[] strides = view.layout().strides();
    boolean even = strides[0] % 8 == 0 && strides[1] % 8 == 0 && strides[2] % 8 == 0;
    return strides[3] == 1 && even && view.alignment() >= 16 ? view : rowMajorCopy(view);
  }

  private View rowMajorCopy(View view) {
    return copy(new Expression.Leaf(view), view.layout().shape(), view.dtype());
  }

  /** Adds values up element by element; a single one is returned as it is. All are of one size. */
  View sum(List<Tensor> terms) {
    Expression total = value(terms.getFirst()).expression();
    Shape shape = terms.getFirst().shape();
    for (Tensor term : terms.subList(1, terms.size())) {
      total = new Expression.Apply(new Primitive.Binary(Primitive.Binary.Function.ADD), term.dtype(),
          List.of(total, reshaped(value(term), shape)));
    }
    return terms.size() == 1 ? rowMajor(terms.getFirst()) : copy(total, shape, terms.getFirst().dtype());
  }

  /** Returns a node's value in memory in row-major order, before a conversion from another type if it is one. */
  View narrow(Tensor node) {
    return value(node)
        .expression() instanceof Expression.Apply(Primitive op, DType _, List<Expression> operands)
        && op instanceof Primitive.Cast && operands.getFirst() instanceof Expression.Leaf(View view)
        && view.dtype().isFloating() && view.isRowMajor() ? view : rowMajor(node);
  }

  /** Defines the result of a node. */
  void define(Tensor node, View... results) {
    List<Value> all = new ArrayList<>();
    for (View view : results) {
      all.add(new Value(view.layout().shape(), new Expression.Leaf(view)));
    }
    values.put(node, all);
  }

  private void define(Tensor node, Expression expression) {
    Value value = new Value(node.shape(), expression);
    values.put(node, List.of(value));
    if (expression.operations() > 0 && !isWorthRepeating(expression)
        && (readers.getOrDefault(node, 0) > 1
            || lastReader.getOrDefault(node, place) - place > NEAR)) {
      view(value);
    }
  }

  /** Tells of a conversion that reads no more than the result would take. */
  private static boolean isWorthRepeating(Expression expression) {
    return expression instanceof Expression.Apply(Primitive op, DType dtype, List<Expression> operands)
        && op instanceof Primitive.Cast && operands.getFirst().operations() == 0
        && operands.getFirst().dtype().bytes() <= dtype.bytes();
  }

  private List<Value> results(Tensor node) {
    return Objects.requireNonNull(values.get(node), () -> node + " is used before it is computed");
  }

  private Value value(Tensor node) {
    return results(node).getFirst();
  }

  /** Returns a node's value in memory, in any order. */
  View view(Tensor node) {
    return view(value(node));
  }

  private View view(Value value) {
    if (value.expression() instanceof Expression.Leaf(View view)) {
      return view;
    }
    View out = copy(value.expression(), value.shape(), value.expression().dtype());
    value.computed(out);
    return out;
  }

  /** Returns a node's value in memory, in row-major order. */
  View rowMajor(Tensor node) {
    return rowMajor(value(node));
  }

  private View rowMajor(Value value) {
    View view = view(value);
    return view.isRowMajor() ? view : copy(value.expression(), value.shape(), view.dtype());
  }

  /** Copies a value into memory of its own. */
  View copied(View view) {
    return copy(new Expression.Leaf(view), view.layout().shape(), view.dtype());
  }

  /** Computes an expression into memory of its own. */
  private View copy(Expression expression, Shape shape, DType dtype) {
    View out = allocate(dtype, shape);
    if (shape.size() > 0) {
      add(elementwise.write(expression, out, false));
    }
    return out;
  }
}
