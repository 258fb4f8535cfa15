package dev.graft.data.template;

/** A function, method or macro of a template. */
@FunctionalInterface
interface Callable {
  Object call(CallArguments arguments);
}
