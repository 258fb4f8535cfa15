package dev.graft.core.weights;

import java.util.HashSet;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Tells weights that a model should have used from tensors that checkpoints hold beside its weights, such as
 * masks, frequencies and heads for other tasks. A weight or bias of a module that the model has, or has in
 * another layer, was trained as a part of it: without it the model computes something else.
 */
final class UnexpectedWeights {
  private static final Pattern NUMBER = Pattern.compile("(?<=\\.)\\d+(?=\\.)");

  private final Set<String> modules = new HashSet<>();

  /** Takes the names of all parameters that the model has. */
  UnexpectedWeights(Set<String> parameters) {
    parameters.forEach(name -> modules.add(module(name)));
  }

  /** Tells whether an unused tensor belongs to a module of the model, whatever the layer's number. */
  boolean contains(String unused) {
    return (unused.endsWith(".weight") || unused.endsWith(".bias")) && modules.contains(module(unused));
  }

  private static String module(String name) {
    return NUMBER.matcher(name.substring(0, Math.max(0, name.lastIndexOf('.')))).replaceAll("*");
  }
}
