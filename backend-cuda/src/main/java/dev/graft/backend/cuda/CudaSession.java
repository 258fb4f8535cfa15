package dev.graft.backend.cuda;

import dev.graft.error.GraftException;
import dev.graft.graph.DType;
import dev.graft.graph.Graph;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.graph.Signature;
import dev.graft.spi.Program;
import dev.graft.spi.Session;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;

/** Holds variables in the memory of a GPU. */
final class CudaSession implements Session {
  /** The value of a variable: memory that stays where it is while the signature does. */
  record Variable(Signature signature, long address) {
    long bytes() {
      return signature.shape().size() * signature.dtype().bytes();
    }
  }

  private final DeviceThread thread = new DeviceThread();
  private final Device device;
  private final FusedKernels kernels;
  private final Optional<Path> profile;
  private final Map<String, Variable> variables = new LinkedHashMap<>();
  private final Set<CudaProgram> programs = new LinkedHashSet<>();
  private Optional<CudaException> broken = Optional.empty();
  private boolean closed;

  CudaSession(Supplier<Device> opening, Function<Device, FusedKernels> choice, Optional<Path> profile) {
    this.profile = profile;
    try {
      this.device = thread.call(opening);
      this.kernels = choice.apply(device);
    } catch (RuntimeException | Error e) {
      thread.close();
      throw e;
    }
  }

  /** Returns the file to which the times of steps are written; empty for none. */
  Optional<Path> profile() {
    return profile;
  }

  Device device() {
    return device;
  }

  /** Does something on the device's thread; what the device cannot recover from ends the session. */
  <T> T onDevice(Supplier<T> body) {
    checkOpen();
    broken.ifPresent(fault -> {
      throw new GraftException("The GPU failed earlier, so this session is over: " + fault.getMessage(),
          fault);
    });
    return thread.call(() -> {
      try {
        return body.get();
      } catch (CudaException e) {
        broken = Optional.of(e);
        throw e;
      }
    });
  }

  @Override
  public void upload(String variable, HostTensor value) {
    Signature signature = new Signature(value.dtype(), value.shape());
    checkOpen();
    checkPrograms(variable, signature);
    onDevice(() -> {
      Variable target = place(variable, signature);
      write(target.address(), value.segment());
      return target;
    });
  }

  private void write(long address, MemorySegment source) {
    if (source.byteSize() > 0) {
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment from = source.isNative() ? source : arena.allocate(source.byteSize()).copyFrom(source);
        device.driver().copyToDevice(address, from, from.byteSize(), device.stream());
        device.driver().synchronise(device.stream());
      }
    }
  }

  @Override
  public void allocate(String variable, DType dtype, Shape shape) {
    checkOpen();
    Signature signature = new Signature(dtype, shape);
    Variable existing = variables.get(variable);
    if (existing != null && !existing.signature().equals(signature)) {
      throw new GraftException("Variable " + variable + " exists as " + existing.signature()
          + " and cannot be allocated as " + signature + ": release it first");
    }
    checkPrograms(variable, signature);
    onDevice(() -> {
      Variable target = place(variable, signature);
      if (target.bytes() > 0) {
        device.driver().clear(target.address(), target.bytes(), device.stream());
      }
      return target;
    });
  }

  private Variable place(String name, Signature signature) {
    Variable existing = variables.get(name);
    if (existing != null && existing.signature().equals(signature)) {
      return existing;
    }
    free(name);
    long bytes = signature.shape().size() * signature.dtype().bytes();
    Variable fresh = new Variable(signature, device.allocate(bytes, "variable " + name));
    variables.put(name, fresh);
    device.addressesChanged();
    return fresh;
  }

  private void free(String name) {
    Variable old = variables.remove(name);
    if (old != null) {
      device.driver().synchronise(device.stream());
      device.driver().free(old.address());
      device.addressesChanged();
    }
  }

  private void checkPrograms(String variable, Signature signature) {
    programs.forEach(program -> program.binding().checkChange(variable, signature));
  }

  @Override
  public HostTensor download(String variable) {
    checkOpen();
    Variable found = variables.get(variable);
    if (found == null) {
      throw new GraftException("There is no variable " + variable + " to download");
    }
    return onDevice(() -> read(found.address(), found.signature()));
  }

  /** Copies a value to the host, once the device has done all before. */
  HostTensor read(long address, Signature signature) {
    HostTensor result = HostTensor.zeros(signature.dtype(), signature.shape());
    if (result.bytes() > 0) {
      device.driver().copyToHost(result.segment(), address, result.bytes(), device.stream());
    }
    device.driver().synchronise(device.stream());
    return result;
  }

  @Override
  public void release(String variable) {
    checkOpen();
    if (variables.containsKey(variable)) {
      onDevice(() -> {
        free(variable);
        return true;
      });
    }
  }

  @Override
  public Set<String> variables() {
    checkOpen();
    return Set.copyOf(variables.keySet());
  }

  @Override
  public Program compile(Graph graph) {
    checkOpen();
    Plan plan = onDevice(() -> Lowering.of(graph, device.model(), kernels));
    device.prepare(plan.steps().stream().map(Step.Located::step).filter(Step.Kernel.class::isInstance)
        .map(step -> ((Step.Kernel) step).source()).toList());
    CudaProgram program = onDevice(() -> new CudaProgram(this, graph, plan));
    programs.add(program);
    return program;
  }

  Optional<Variable> variable(String name) {
    return Optional.ofNullable(variables.get(name));
  }

  void checkOpen() {
    if (closed) {
      throw new IllegalStateException("The session is closed");
    }
  }

  /** Frees something on the device's thread; a device that failed has nothing left to free. */
  void tidy(Runnable body) {
    if (!closed && broken.isEmpty()) {
      thread.run(body);
    }
  }

  void forget(CudaProgram program) {
    programs.remove(program);
  }

  @Override
  public void close() {
    if (!closed) {
      List.copyOf(programs).forEach(CudaProgram::close);
      closed = true;
      try {
        if (broken.isEmpty()) {
          thread.run(() -> {
            device.driver().synchronise(device.stream());
            variables.values().forEach(variable -> device.driver().free(variable.address()));
            variables.clear();
            device.close();
          });
        }
      } finally {
        thread.close();
      }
    }
  }
}
