package dev.graft.spi;

import java.util.Set;
import org.apiguardian.api.API;

/** Knows a family of language models: reads their {@code config.json} and builds their graph. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public interface ModelFamily extends Plugin {
  /** Returns the values of {@code model_type} that this family reads. */
  Set<String> modelTypes();

  /** Reads {@code config.json}; adds every fault that it finds to the given configuration. */
  CausalModel read(Configuration configuration);
}
