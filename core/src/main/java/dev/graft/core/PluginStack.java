package dev.graft.core;

import dev.graft.core.plugin.ServiceListings;
import java.io.IOException;
import java.net.URL;
import java.util.Collection;
import java.util.Optional;
import java.util.Set;

/**
 * Finds the jar of a plug-in in which an exception arose, or which had called what it arose in.
 *
 * @param loader that sees the plug-ins
 * @param classes names of the plug-ins' classes that are not Graft's own
 * @param jars that plug-ins, and what they bring, were loaded from
 */
record PluginStack(ClassLoader loader, Collection<String> classes, Set<String> jars) {
  private static final int DEEPEST = 20;

  Optional<String> jar(Throwable fault) {
    Throwable at = fault;
    for (int depth = 0; at != null && depth < DEEPEST; depth++) {
      for (StackTraceElement frame : at.getStackTrace()) {
        Optional<String> jar = jar(frame.getClassName());
        if (jar.isPresent()) {
          return jar;
        }
      }
      if (at instanceof LinkageError) {
        // What does not fit together is found by the caller, in whose stack the plug-in is not.
        String message = String.valueOf(at.getMessage()).replace('/', '.');
        Optional<String> named = classes.stream().filter(message::contains).findFirst();
        if (named.isPresent()) {
          return jar(named.get());
        }
      }
      at = at.getCause();
    }
    return Optional.empty();
  }

  private Optional<String> jar(String className) {
    // A hidden class, such as a lambda's, has the name of its outer class and a slash.
    String name = className.split("(\\$\\$Lambda)?/", 2)[0];
    if (name.startsWith("java.") || name.startsWith("jdk.") || name.startsWith("dev.graft.")) {
      return Optional.empty();
    }
    String entry = name.replace('.', '/') + ".class";
    URL url = loader.getResource(entry);
    try {
      return url == null
          ? Optional.empty()
          : Optional.of(ServiceListings.origin(url, entry)).filter(jars::contains);
    } catch (IOException e) {
      return Optional.empty();
    }
  }
}
