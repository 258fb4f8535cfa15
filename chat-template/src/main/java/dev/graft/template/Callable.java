package dev.graft.template;

/** A function, method or macro of a template. */
@FunctionalInterface
interface Callable {
  Object call(CallArguments arguments);
}
