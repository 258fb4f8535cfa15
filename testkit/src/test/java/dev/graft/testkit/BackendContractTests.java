package dev.graft.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.backend.reference.ReferenceBackend;
import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Signature;
import dev.graft.spi.Backend;
import dev.graft.spi.Capabilities;
import dev.graft.spi.Program;
import dev.graft.spi.Session;
import dev.graft.spi.SessionOptions;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class BackendContractTests {
  /** Held to the contract with the fault that a subclass opens its sessions with. */
  abstract static class Faulty extends BackendContract {
    abstract Session faulty(Session right);

    Capabilities claims(Capabilities right) {
      return right;
    }

    @Override
    protected Backend backend() {
      return new FaultyBackend() {
        @Override
        public Capabilities capabilities() {
          return claims(super.capabilities());
        }

        @Override
        public Session open(SessionOptions options) {
          return faulty(new ReferenceBackend().open(options));
        }
      };
    }
  }

  static class Right extends Faulty {
    @Override
    Session faulty(Session right) {
      return new FaultyBackend.FaultySession(right);
    }
  }

  @Test
  void aBackendWithoutFaultsPasses() {
    assertThat(ContractRun.failures(Right.class)).isEmpty();
  }

  static class Imprecise extends Faulty {
    @Override
    Session faulty(Session right) {
      return new FaultyBackend.FaultySession(right) {
        @Override
        Map<String, HostTensor> run(Program program, Graph graph, Map<String, HostTensor> feeds) {
          return shifted(program.run(feeds), 1e-3);
        }
      };
    }
  }

  @Test
  void wrongNumbersAreFound() {
    assertThat(ContractRun.failures(Imprecise.class)).contains("primitivesEqualTheReference",
        "conversionsEqualTheReference", "compositesEqualTheirDecompositions");
  }

  static class Unsteady extends Faulty {
    @Override
    Session faulty(Session right) {
      return new FaultyBackend.FaultySession(right) {
        private int runs;

        @Override
        Map<String, HostTensor> run(Program program, Graph graph, Map<String, HostTensor> feeds) {
          return shifted(program.run(feeds), runs++ * 1e-7);
        }
      };
    }
  }

  @Test
  void bitsThatChangeFromRunToRunAreFound() {
    assertThat(ContractRun.failures(Unsteady.class)).contains("givesTheSameBitsInEveryRunIfItClaimsTo");
  }

  static class WritesToUploads extends Faulty {
    @Override
    Session faulty(Session right) {
      return new FaultyBackend.FaultySession(right) {
        private final Map<String, HostTensor> uploads = new LinkedHashMap<>();

        @Override
        public void upload(String variable, HostTensor value) {
          uploads.put(variable, value);
          super.upload(variable, value);
        }

        @Override
        Map<String, HostTensor> run(Program program, Graph graph, Map<String, HostTensor> feeds) {
          Map<String, HostTensor> results = program.run(feeds);
          graph.assignments().forEach(assignment -> {
            HostTensor memory = uploads.get(assignment.name());
            if (memory != null) {
              memory.segment().copyFrom(super.download(assignment.name()).segment());
            }
          });
          return results;
        }
      };
    }
  }

  @Test
  void writingToUploadedMemoryIsFound() {
    assertThat(ContractRun.failures(WritesToUploads.class))
        .contains("assigningDoesNotChangeUploadedOrDownloadedMemory");
  }

  static class MakesUpInputs extends Faulty {
    @Override
    Session faulty(Session right) {
      return new FaultyBackend.FaultySession(right) {
        @Override
        Map<String, HostTensor> run(Program program, Graph graph, Map<String, HostTensor> feeds) {
          Map<String, HostTensor> all = new LinkedHashMap<>(feeds);
          graph.inputs().forEach((name, signature) -> all.computeIfAbsent(name, _ -> zeros(signature)));
          return program.run(all);
        }

        private HostTensor zeros(Signature signature) {
          return HostTensor.zeros(signature.dtype(), signature.shape());
        }
      };
    }
  }

  @Test
  void inputsThatAreMadeUpAreFound() {
    assertThat(ContractRun.failures(MakesUpInputs.class))
        .contains("namesTheInputThatIsMissingOrOfAnotherSignature");
  }

  static class AssignsTooEarly extends Faulty {
    @Override
    Session faulty(Session right) {
      return new FaultyBackend.FaultySession(right) {
        @Override
        Map<String, HostTensor> run(Program program, Graph graph, Map<String, HostTensor> feeds) {
          try {
            return program.run(feeds);
          } catch (RuntimeException e) {
            graph.assignments().stream().filter(assignment -> variables().contains(assignment.name()))
                .forEach(assignment -> allocate(assignment.name(), assignment.variable().dtype(),
                    assignment.variable().shape()));
            throw e;
          }
        }
      };
    }
  }

  @Test
  void variablesThatAFailedRunChangedAreFound() {
    assertThat(ContractRun.failures(AssignsTooEarly.class)).containsExactlyInAnyOrder(
        "aFailedRunChangesNoVariable", "aRunThatFailsHalfwayChangesNoVariable");
  }

  static class MixesNamesUp extends Faulty {
    @Override
    Session faulty(Session right) {
      return new FaultyBackend.FaultySession(right) {
        @Override
        public void upload(String variable, HostTensor value) {
          super.upload(variable, value);
          variables().stream().filter(other -> other.replace('.', '_').equals(variable.replace('.', '_')))
              .forEach(other -> super.upload(other, value));
        }
      };
    }
  }

  @Test
  void namesThatAreMixedUpAreFound() {
    assertThat(ContractRun.failures(MixesNamesUp.class)).containsExactly("tellsSimilarNamesApart");
  }

  static class StaysOpen extends Faulty {
    @Override
    Session faulty(Session right) {
      return new FaultyBackend.FaultySession(right) {
        @Override
        public void close() {
          variables().forEach(this::release);
        }
      };
    }
  }

  @Test
  void sessionsThatStayOpenAreFound() {
    assertThat(ContractRun.failures(StaysOpen.class)).contains("useAfterCloseIsAnError");
  }

  static class Keeps extends Faulty {
    @Override
    Session faulty(Session right) {
      return new FaultyBackend.FaultySession(right) {
        @Override
        public void release(String variable) {
          download(variable);
        }
      };
    }
  }

  @Test
  void variablesThatAreNotReleasedAreFound() {
    assertThat(ContractRun.failures(Keeps.class)).contains("listsItsVariables");
  }

  static class ClaimsTooLittle extends Faulty {
    @Override
    Session faulty(Session right) {
      return new FaultyBackend.FaultySession(right);
    }

    @Override
    Capabilities claims(Capabilities right) {
      return new Capabilities(Set.of(DType.F32), Set.of());
    }
  }

  @Test
  void claimsThatSayTooLittleAreFound() {
    assertThat(ContractRun.failures(ClaimsTooLittle.class)).containsExactlyInAnyOrder(
        "refusesAssignmentsIfItDoesNotClaimToTrain", "refusesToMultiplyInTypesThatItDoesNotClaim");
  }

  static class ClaimsTooMuch extends Faulty {
    @Override
    Session faulty(Session right) {
      return new FaultyBackend.FaultySession(right);
    }

    @Override
    Capabilities claims(Capabilities right) {
      return new Capabilities(right.computeTypes(), Set.of(Capabilities.Feature.values()));
    }
  }

  @Test
  void claimsThatSayTooMuchAreFound() {
    assertThat(ContractRun.failures(ClaimsTooMuch.class))
        .containsExactly("readsUploadedMemoryInPlaceOnlyIfItClaimsTo");
  }
}
