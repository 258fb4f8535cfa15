package dev.graft.backend.djl;

import dev.graft.graph.HostTensor;
import dev.graft.graph.Signature;
import dev.graft.graph.Tensor;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Holds a graph as TorchScript: one function of feeds, variables, constants and sizes that returns the outputs.
 *
 * @param code the module's source, in which sizes are names
 * @param sizes what the function takes for them, so that graphs which differ in sizes alone have the same code
 * @param feeds what is fed, by name, in the order of the function's first argument
 * @param variables what lives between calls, in the order of its second argument
 * @param constants values of its third argument
 * @param outputs what it returns, in order
 * @param assigned names of the variables that it writes to
 * @param lines the node that each line computes, from the function's first line on
 * @param plannedBytes bytes that computed values take, gaps between them included
 */
record Script(String code, List<Long> sizes, Map<String, Signature> feeds, Map<String, Signature> variables,
    List<HostTensor> constants, Map<String, Signature> outputs, Set<String> assigned, List<Tensor> lines,
    long plannedBytes) {
  /** Name of the function. */
  static final String FUNCTION = "run";

  private static final String HEADER = """
      class M(Module):
        __parameters__ = []
        __buffers__ = []
        training : bool
        def run(self: __torch__.M, feeds: List[Tensor], variables: List[Tensor], constants: List[Tensor], sizes: List[int]) -> List[Tensor]:
      """;

  /** Makes the module's source of the function's body and the sizes in it. */
  static String module(ScriptSizes sizes, List<String> body) {
    StringBuilder code = new StringBuilder(HEADER).append("    ").append(sizes.unpacking()).append('\n');
    body.forEach(line -> code.append("    ").append(line).append('\n'));
    return code.toString();
  }

  /** Returns the node that a line of the source computes, lines counted from 1. */
  Optional<Tensor> node(int line) {
    // The body comes after the line that takes the sizes apart.
    int index = line - 1 - (int) HEADER.lines().count() - 1;
    return index >= 0 && index < lines.size() ? Optional.of(lines.get(index)) : Optional.empty();
  }
}
