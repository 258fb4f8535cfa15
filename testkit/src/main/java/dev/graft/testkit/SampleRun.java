package dev.graft.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.backend.reference.ReferenceBackend;
import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Tensor;
import dev.graft.spi.Backend;
import dev.graft.spi.Program;
import dev.graft.spi.Session;
import dev.graft.spi.SessionOptions;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;

/** Runs samples of one operation in one graph and compares all results. */
final class SampleRun {
  private final List<Sample> samples;
  private final Random random;

  SampleRun(List<Sample> samples, Random random) {
    this.samples = samples;
    this.random = random;
  }

  /** Fails with every result that is wrong, and how to repeat it. */
  void check(Backend backend) {
    List<List<HostTensor>> found = results(backend, samples);
    List<List<HostTensor>> expected = results(new ReferenceBackend(),
        samples.stream().map(SampleRun::expectation).toList());
    List<String> faults = new ArrayList<>();
    for (int i = 0; i < samples.size(); i++) {
      for (int j = 0; j < expected.get(i).size(); j++) {
        String name = samples.get(i).name() + ", result " + j + ": ";
        fault(found.get(i).get(j), expected.get(i).get(j), samples.get(i))
            .ifPresent(fault -> faults.add(name + fault));
      }
    }
    assertThat(faults).as(Seed.hint()).isEmpty();
  }

  /** Computes exact samples as they are and the others in F64. */
  private static Sample expectation(Sample sample) {
    return switch (sample.judgement()) {
      case Sample.Judgement.Exact _ -> sample;
      case Sample.Judgement.Rounded _ -> new Sample(sample.name(),
          sample.operands().stream().map(x -> x.dtype().isFloating() ? x.cast(DType.F64) : x).toList(),
          sample.formula(), sample.judgement());
    };
  }

  private List<List<HostTensor>> results(Backend backend, List<Sample> samples) {
    Map<String, HostTensor> feeds = new LinkedHashMap<>();
    Map<String, HostTensor> variables = new LinkedHashMap<>();
    Map<String, Tensor> outputs = new LinkedHashMap<>();
    List<Integer> counts = new ArrayList<>();
    for (int i = 0; i < samples.size(); i++) {
      List<Tensor> operands = new ArrayList<>();
      for (HostTensor value : samples.get(i).operands()) {
        operands.add(operand("sample " + i + ", operand " + operands.size(), value, feeds, variables));
      }
      List<Tensor> results = samples.get(i).formula().apply(operands);
      for (int j = 0; j < results.size(); j++) {
        outputs.put(i + "." + j, results.get(j));
      }
      counts.add(results.size());
    }
    try (Session session = backend.open(SessionOptions.DEFAULT)) {
      variables.forEach(session::upload);
      try (Program program = session.compile(Graph.of("samples", outputs, List.of()))) {
        Map<String, HostTensor> found = program.run(feeds);
        List<List<HostTensor>> grouped = new ArrayList<>();
        for (int i = 0; i < counts.size(); i++) {
          List<HostTensor> results = new ArrayList<>();
          for (int j = 0; j < counts.get(i); j++) {
            results.add(SessionRules.result(found, i + "." + j));
          }
          grouped.add(results);
        }
        return grouped;
      }
    }
  }

  /** Feeds an operand, uploads it, or makes it part of the graph: all must be the same to a backend. */
  private Tensor operand(String name, HostTensor value, Map<String, HostTensor> feeds,
      Map<String, HostTensor> variables) {
    return switch (random.nextInt(4)) {
      case 0 -> Tensor.constant(value);
      case 1 -> {
        variables.put(name, value);
        yield Tensor.variable(name, value.dtype(), value.shape());
      }
      default -> {
        feeds.put(name, value);
        yield Tensor.input(name, value.dtype(), value.shape().dims());
      }
    };
  }

  private static Optional<String> fault(HostTensor found, HostTensor expected, Sample sample) {
    return switch (sample.judgement()) {
      case Sample.Judgement.Exact _ -> Nearness.sameNumbers(found, expected);
      case Sample.Judgement.Rounded rounded -> Nearness.within(found, expected,
          tolerance(found, sample) * rounded.factor(), rounded.floor());
    };
  }

  /** Returns the tolerance of the coarsest type on the way. */
  private static double tolerance(HostTensor found, Sample sample) {
    double tolerance = Sample.tolerance(found.dtype());
    for (HostTensor operand : sample.operands()) {
      tolerance = Math.max(tolerance, Sample.tolerance(operand.dtype()));
    }
    return tolerance;
  }
}
