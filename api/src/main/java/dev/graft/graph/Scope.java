package dev.graft.graph;

import java.util.function.Supplier;
import org.apiguardian.api.API;

/**
 * Names the part of a model that is being built, so that errors can say where they happened.
 *
 * <p>
 * The name is bound to the building thread for the time of a call.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class Scope {
  private static final ScopedValue<String> SITE = ScopedValue.newInstance();

  private Scope() {
  }

  /** Builds something under the full name of a site, such as {@code model.layers.3.self_attn.q_proj}. */
  public static <T> T at(String site, Supplier<T> body) {
    return ScopedValue.where(SITE, site).call(body::get);
  }

  /** Returns the full name of the site that is being built; empty outside any. */
  public static String current() {
    return SITE.orElse("");
  }
}
