package dev.graft.methods.lora;

import dev.graft.error.GraftException;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.spi.Configuration;
import dev.graft.spi.PeftMethod;
import dev.graft.spi.Targets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;

/**
 * Makes one LoRA of several, as Hugging Face PEFT's {@code add_weighted_adapter} does. Part i changes weights
 * by wᵢ sᵢ Bᵢ Aᵢ, with its weight and its scaling; the result has scaling 1.
 */
final class LoraCombination {
  /** Asks for the rank of {@link Way#SVD}. */
  private static final String RANK = "svd_rank";

  private final Way way;
  private final List<PeftMethod.Part<LoraConfig>> parts;
  private final OptionalInt wantedRank;

  /** Ways to combine. */
  enum Way {
    /**
     * A = Σ sign(wᵢ) √|wᵢ sᵢ| Aᵢ and B = Σ √|wᵢ sᵢ| Bᵢ. The product is not the sum of the changes: it has
     * terms Bᵢ Aⱼ of different parts too. All ranks must be equal.
     */
    LINEAR,
    /** All rows wᵢ sᵢ Aᵢ, and all columns Bᵢ: the product is the exact sum, and the rank the ranks' sum. */
    CAT,
    /** The product of a chosen rank that is nearest to the exact sum (Eckart and Young 1936). */
    SVD;

    String id() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /**
   * The matrices of one module.
   *
   * @param a rows [rank][in]
   * @param b columns [rank][out]
   */
  private record Factors(double[][] a, double[][] b) {
    int rank() {
      return a.length;
    }
  }

  LoraCombination(String way, List<PeftMethod.Part<LoraConfig>> parts, Configuration options) {
    this.way = Arrays.stream(Way.values()).filter(w -> w.id().equals(way)).findFirst().orElseThrow(
        () -> new GraftException("LoRA adapters are combined by linear, cat or svd, not by \"" + way + "\""));
    this.parts = parts;
    for (PeftMethod.Part<LoraConfig> part : parts) {
      if (part.configuration().loraBias()) {
        throw new GraftException("Adapter \"" + part.name() + "\" cannot be combined with others: its"
            + " lora_bias is no part of the product of matrices");
      }
    }
    long rank = options.integer(RANK, 0);
    if (options.has(RANK) && (rank < 1 || this.way != Way.SVD)) {
      options.fault(RANK, "is the rank of an svd and must be 1 or more, not " + rank + " for " + way);
    }
    this.wantedRank = rank < 1 || this.way != Way.SVD
        ? OptionalInt.empty()
        : OptionalInt.of((int) Math.min(rank, Integer.MAX_VALUE));
  }

  PeftMethod.Combined<LoraConfig> combine() {
    Set<String> modules = new LinkedHashSet<>();
    parts.forEach(part -> modules.addAll(part.tensors().keySet()));
    refuseNeedlessRank(modules);
    Map<String, Factors> combined = new LinkedHashMap<>();
    modules.forEach(module -> combined.put(module, combine(module)));
    int rank = combined.values().stream().mapToInt(Factors::rank).max().orElseThrow();

    Map<String, Map<String, HostTensor>> tensors = new LinkedHashMap<>();
    combined.forEach((module, factors) -> tensors.put(module, tensors(module, factors, rank)));
    LoraConfig first = parts.getFirst().configuration();
    LoraConfig config = new LoraConfig(rank, rank, first.dropout(),
        Targets.of(new Targets.Selection.Names(List.copyOf(modules))), first.fanInFanOut(), false, false,
        LoraConfig.Start.DEFAULT, Map.of(), Map.of(), false);
    return new PeftMethod.Combined<>(config, tensors);
  }

  /** Refuses a rank that no change of a weight can have, before memory is taken for it. */
  private void refuseNeedlessRank(Set<String> modules) {
    long most = modules.stream().mapToLong(this::largestRank).max().orElse(0);
    if (wantedRank.isPresent() && wantedRank.getAsInt() > most) {
      throw new GraftException("\"" + RANK + "\" is " + wantedRank.getAsInt() + ", and a change of these"
          + " weights has a rank of at most " + most + ": ask for that or less");
    }
  }

  /** Returns the largest rank that a change of a module's weight can have: its shorter side. */
  private long largestRank(String module) {
    return parts.stream().filter(part -> part.tensors().containsKey(module)).mapToLong(part -> {
      Map<String, HostTensor> tensors = part.tensors().getOrDefault(module, Map.of());
      return Math.min(tensor(tensors, module, "A").shape().dim(1),
          tensor(tensors, module, "B").shape().dim(0));
    }).max().orElse(0);
  }

  private Factors combine(String module) {
    List<Factors> factors = new ArrayList<>();
    List<Double> scales = new ArrayList<>();
    for (PeftMethod.Part<LoraConfig> part : parts) {
      Map<String, HostTensor> tensors = part.tensors().get(module);
      if (tensors != null) {
        factors.add(new Factors(rows(tensor(tensors, module, "A")), columns(tensor(tensors, module, "B"))));
        scales.add(part.weight() * part.configuration().scaling(module));
      }
    }
    return switch (way) {
      case LINEAR -> linear(module, factors, scales);
      case CAT -> concatenated(factors, scales);
      case SVD -> nearest(concatenated(factors, scales),
          wantedRank.orElseGet(() -> factors.stream().mapToInt(Factors::rank).max().orElseThrow()));
    };
  }

  private Factors linear(String module, List<Factors> factors, List<Double> scales) {
    int rank = factors.getFirst().rank();
    if (factors.stream().anyMatch(f -> f.rank() != rank)) {
      throw new GraftException("Adapters of different ranks cannot be combined by linear: at " + module
          + " they have the ranks " + factors.stream().map(Factors::rank).toList() + ". Use cat or svd");
    }
    double[][] a = new double[rank][factors.getFirst().a()[0].length];
    double[][] b = new double[rank][factors.getFirst().b()[0].length];
    for (int i = 0; i < factors.size(); i++) {
      double root = Math.sqrt(Math.abs(scales.get(i)));
      for (int k = 0; k < rank; k++) {
        add(a[k], Math.signum(scales.get(i)) * root, factors.get(i).a()[k]);
        add(b[k], root, factors.get(i).b()[k]);
      }
    }
    return new Factors(a, b);
  }

  private static Factors concatenated(List<Factors> factors, List<Double> scales) {
    List<double[]> a = new ArrayList<>();
    List<double[]> b = new ArrayList<>();
    for (int i = 0; i < factors.size(); i++) {
      double scale = scales.get(i);
      for (double[] row : factors.get(i).a()) {
        a.add(Arrays.stream(row).map(x -> x * scale).toArray());
      }
      b.addAll(List.of(factors.get(i).b()));
    }
    return new Factors(a.toArray(double[][]::new), b.toArray(double[][]::new));
  }

  /**
   * Cuts a product B A down to a rank. With B = U₁ S₁ V₁ᵀ and Aᵀ = U₂ S₂ V₂ᵀ the product is U₁ C U₂ᵀ, and the
   * decomposition of the small matrix C = S₁ V₁ᵀ V₂ S₂ gives the one of the product, which is never formed.
   */
  private static Factors nearest(Factors factors, int rank) {
    SingularValues left = SingularValues.of(factors.b());
    SingularValues right = SingularValues.of(factors.a());
    int n = factors.rank();
    double[][] core = new double[n][n];
    for (int j = 0; j < n; j++) {
      for (int i = 0; i < n; i++) {
        double sum = 0;
        for (int k = 0; k < n; k++) {
          sum += left.v()[i][k] * right.v()[j][k];
        }
        core[j][i] = left.s()[i] * sum * right.s()[j];
      }
    }
    SingularValues inner = SingularValues.of(core);
    double[][] a = new double[rank][factors.a()[0].length];
    double[][] b = new double[rank][factors.b()[0].length];
    for (int k = 0; k < Math.min(rank, n); k++) {
      for (int i = 0; i < n; i++) {
        add(a[k], inner.v()[k][i], right.u()[i]);
        add(b[k], inner.s()[k] * inner.u()[k][i], left.u()[i]);
      }
    }
    return new Factors(a, b);
  }

  private static void add(double[] to, double factor, double[] x) {
    for (int i = 0; i < to.length; i++) {
      to[i] += factor * x[i];
    }
  }

  private static HostTensor tensor(Map<String, HostTensor> tensors, String module, String letter) {
    HostTensor linear = tensors.get("lora_" + letter);
    HostTensor found = linear == null ? tensors.get("lora_embedding_" + letter) : linear;
    if (found == null) {
      throw new GraftException("Module " + module + " has no LoRA matrix " + letter);
    }
    return found;
  }

  private static double[][] rows(HostTensor matrix) {
    int width = Math.toIntExact(matrix.shape().dim(1));
    double[][] rows = new double[Math.toIntExact(matrix.shape().dim(0))][width];
    for (int i = 0; i < rows.length; i++) {
      for (int j = 0; j < width; j++) {
        rows[i][j] = matrix.at((long) i * width + j);
      }
    }
    return rows;
  }

  private static double[][] columns(HostTensor matrix) {
    int width = Math.toIntExact(matrix.shape().dim(1));
    double[][] columns = new double[width][Math.toIntExact(matrix.shape().dim(0))];
    for (int i = 0; i < columns[0].length; i++) {
      for (int j = 0; j < width; j++) {
        columns[j][i] = matrix.at((long) i * width + j);
      }
    }
    return columns;
  }

  /** Makes the tensors of a module, with zeros up to the rank of the whole adapter. */
  private Map<String, HostTensor> tensors(String module, Factors factors, int rank) {
    boolean table = parts.stream().map(part -> part.tensors().getOrDefault(module, Map.of()))
        .anyMatch(tensors -> tensors.containsKey("lora_embedding_A"));
    int in = factors.a()[0].length;
    int out = factors.b()[0].length;
    HostTensor a = HostTensor.zeros(DType.F64, Shape.of(rank, in));
    HostTensor b = HostTensor.zeros(DType.F64, Shape.of(out, rank));
    for (int k = 0; k < factors.rank(); k++) {
      for (int i = 0; i < in; i++) {
        a.set((long) k * in + i, factors.a()[k][i]);
      }
      for (int i = 0; i < out; i++) {
        b.set((long) i * rank + k, factors.b()[k][i]);
      }
    }
    String prefix = table ? "lora_embedding_" : "lora_";
    return Map.of(prefix + "A", a, prefix + "B", b);
  }
}
