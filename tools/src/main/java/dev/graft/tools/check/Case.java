package dev.graft.tools.check;

import dev.graft.core.PluginCatalog;
import dev.graft.formats.SafetensorsFile;
import dev.graft.graph.DType;
import dev.graft.spi.Backend;
import dev.graft.spi.Configuration;
import java.nio.file.Path;

/**
 * Holds what a case asks for, what it runs on, and how far the results are from what is expected.
 *
 * @param folder the case's folder, to which its paths are relative
 * @param json the fields of {@code case.json}
 * @param plugins methods, quantizers and model families
 * @param backend runs the graphs
 * @param type type of computation
 * @param comparison takes the results
 */
record Case(Path folder, Configuration json, PluginCatalog plugins, Backend backend, DType type,
    Comparison comparison) {
  static final Tolerance LOGITS = new Tolerance(1e-4, 1e-4);

  Path path(String relative) {
    return folder.resolve(relative).normalize();
  }

  SafetensorsFile open(String relative) {
    return SafetensorsFile.open(path(relative));
  }

  Tolerance tolerance(String key, Tolerance fallback) {
    return Tolerance.read(json, key, fallback);
  }
}
