package dev.graft.backend.djl;

import ai.djl.engine.EngineException;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtSymbolBlock;
import dev.graft.error.GraftException;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Signature;
import dev.graft.graph.Tensor;
import dev.graft.spi.GraphBinding;
import dev.graft.spi.Program;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Runs one TorchScript function. */
final class DjlProgram implements Program {
  private static final Pattern LINE = Pattern.compile("__torch__\\.py\", line (\\d+)");

  private final DjlSession session;
  private final Libtorch torch;
  private final String name;
  private final Script script;
  private final GraphBinding binding;
  private final LoadedCode loaded;
  private final PtSymbolBlock block;
  private final List<PtNDArray> constants;
  private boolean closed;

  DjlProgram(DjlSession session, Libtorch torch, LoadedCode loaded, String name, Script script) {
    this.session = session;
    this.torch = torch;
    this.name = name;
    this.script = script;
    this.binding = new GraphBinding(name, script.feeds(), script.variables());
    this.loaded = loaded;
    this.block = load();
    this.constants = script.constants().stream().map(torch::view).toList();
  }

  private PtSymbolBlock load() {
    try {
      return loaded.acquire(script.code());
    } catch (EngineException e) {
      throw new GraftException("PyTorch cannot compile graph " + name + ": " + fault(e, script), e);
    }
  }

  GraphBinding binding() {
    return binding;
  }

  @Override
  public Map<String, HostTensor> run(Map<String, HostTensor> feeds) {
    return NativeCalls.make(() -> runNow(feeds));
  }

  private Map<String, HostTensor> runNow(Map<String, HostTensor> feeds) {
    checkOpen();
    binding.checkFeeds(feeds);
    List<PtNDArray> held = heldVariables();
    List<PtNDArray> fed = new ArrayList<>();
    List<PtNDArray> results = List.of();
    try {
      script.feeds().keySet().forEach(feed -> fed.add(torch.view(binding.feed(feeds, feed))));
      results = torch.call(block, Script.FUNCTION, List.of(fed, held, constants), script.sizes());
      Map<String, HostTensor> outputs = new LinkedHashMap<>();
      int index = 0;
      for (Map.Entry<String, Signature> output : script.outputs().entrySet()) {
        Signature signature = output.getValue();
        outputs.put(output.getKey(),
            torch.toHost(results.get(index++), signature.dtype(), signature.shape()));
      }
      return outputs;
    } catch (EngineException e) {
      throw new GraftException("Graph " + name + ", " + fault(e, script), e);
    } finally {
      fed.forEach(PtNDArray::close);
      results.forEach(PtNDArray::close);
    }
  }

  /** Returns the variables' tensors, once all have been checked; what is written to gets its own memory. */
  private List<PtNDArray> heldVariables() {
    Map<String, DjlSession.Variable> found = new LinkedHashMap<>();
    binding.variables().forEach((variable, expected) -> {
      Optional<DjlSession.Variable> value = session.variable(variable);
      binding.checkVariable(variable, expected, value.map(DjlSession.Variable::signature));
      found.put(variable, value.orElseThrow());
    });
    List<PtNDArray> arrays = new ArrayList<>();
    found.forEach((variable, value) -> arrays.add(
        (script.assigned().contains(variable) ? session.owned(variable, value) : value).array()));
    return arrays;
  }

  /** Says which operation failed, and PyTorch's reason without its stack traces. */
  private static String fault(EngineException e, Script script) {
    String message = String.valueOf(e.getMessage());
    Matcher line = LINE.matcher(message);
    String where = "";
    while (line.find()) {
      where = script.node(Integer.parseInt(line.group(1))).map(DjlProgram::describe).orElse(where);
    }
    String reason = message.lines()
        .filter(each -> !each.isBlank() && !each.contains("TorchScript") && !each.startsWith("  ")
            && !each.startsWith("Exception raised from") && !each.startsWith("frame #"))
        .reduce((_, last) -> last).orElse(message);
    return where + reason;
  }

  private static String describe(Tensor node) {
    return node.op().name() + (node.site().isEmpty() ? "" : " at " + node.site()) + ": ";
  }

  @Override
  public long plannedBytes() {
    checkOpen();
    return script.plannedBytes();
  }

  private void checkOpen() {
    if (closed) {
      throw new IllegalStateException("Program " + name + " is closed");
    }
  }

  @Override
  public void close() {
    NativeCalls.make(this::closeNow);
  }

  private void closeNow() {
    if (!closed) {
      closed = true;
      session.forget(this);
      constants.forEach(PtNDArray::close);
      loaded.release(script.code());
    }
  }
}
