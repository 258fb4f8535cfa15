package dev.graft.graph;

import org.apiguardian.api.API;

/**
 * Gives a variable a new value at the end of a run. Every read in the same graph sees the old value.
 *
 * @param variable the variable's node
 * @param value what it becomes, of the same type and shape
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public record Assignment(Tensor variable, Tensor value) {
  /** Checks that the value fits the variable. */
  public Assignment {
    if (!(variable.op() instanceof Primitive.Variable)) {
      throw new GraphException("Only a variable can be assigned, not " + variable);
    }
    if (!variable.signature().equals(value.signature())) {
      throw new GraphException("Variable " + variable + " cannot become " + value);
    }
  }

  /** Returns the variable's name. */
  public String name() {
    return ((Primitive.Variable) variable.op()).name();
  }
}
