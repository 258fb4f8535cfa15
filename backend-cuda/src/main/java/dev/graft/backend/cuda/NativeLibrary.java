package dev.graft.backend.cuda;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A shared library whose functions return an int. Handles and device addresses are passed as longs, host
 * memory as segments.
 */
final class NativeLibrary {
  private final Path file;
  private final SymbolLookup symbols;
  private final Map<String, MethodHandle> functions = new ConcurrentHashMap<>();

  /**
   * Loads a library for the life of the process.
   *
   * @throws IllegalArgumentException if the system cannot load it
   */
  @SuppressWarnings("restricted")
  NativeLibrary(Path file) {
    this.file = file;
    this.symbols = file.isAbsolute()
        ? SymbolLookup.libraryLookup(file, Arena.global())
        : SymbolLookup.libraryLookup(file.toString(), Arena.global());
  }

  Path file() {
    return file;
  }

  boolean has(String function) {
    return symbols.find(function).isPresent();
  }

  /** Calls a function that is called rarely: the types of its parameters are taken from the arguments. */
  int call(String function, Object... arguments) {
    MethodHandle handle = functions.computeIfAbsent(function, name -> handle(name, layouts(arguments))
        .asSpreader(Object[].class, arguments.length));
    try {
      return (int) handle.invoke(arguments);
    } catch (RuntimeException | Error e) {
      throw e;
    } catch (Throwable e) {
      throw new IllegalStateException(function, e);
    }
  }

  /** Links a function that is called often. */
  @SuppressWarnings("restricted")
  MethodHandle handle(String function, MemoryLayout... parameters) {
    MemorySegment address = symbols.find(function)
        .orElseThrow(() -> new IllegalStateException(file + " has no function " + function));
    return Linker.nativeLinker().downcallHandle(address,
        FunctionDescriptor.of(ValueLayout.JAVA_INT, parameters));
  }

  private static MemoryLayout[] layouts(Object[] arguments) {
    MemoryLayout[] layouts = new MemoryLayout[arguments.length];
    for (int i = 0; i < layouts.length; i++) {
      layouts[i] = switch (arguments[i]) {
        case Integer _ -> ValueLayout.JAVA_INT;
        case Long _ -> ValueLayout.JAVA_LONG;
        case Float _ -> ValueLayout.JAVA_FLOAT;
        case MemorySegment _ -> ValueLayout.ADDRESS;
        default -> throw new IllegalArgumentException("no layout for " + arguments[i]);
      };
    }
    return layouts;
  }
}
