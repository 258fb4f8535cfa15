package dev.graft.core.attach;

import dev.graft.formats.TensorCasts;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.spi.Session;
import java.lang.foreign.Arena;
import org.apiguardian.api.API;

/**
 * Uploads floating-point values whose memory lives exactly as long as the session reads it: a backend that copies
 * lets go of it before the next value is read, so that a model of any size passes through little memory.
 */
@API(status = API.Status.INTERNAL, since = "0.1")
public final class Uploads {
  private Uploads() {
  }

  /**
   * Uploads a value in a type. One that has the type already is not copied: its memory stays the caller's.
   *
   * @throws dev.graft.error.GraftException as {@link Session#upload(String, HostTensor)}
   */
  public static void cast(Session session, String variable, HostTensor value, DType type) {
    if (value.dtype() == type) {
      session.upload(variable, value);
    } else {
      copy(session, variable, value, type);
    }
  }

  @SuppressWarnings("MustBeClosedChecker") // the session closes the arena when it is done with it
  private static void copy(Session session, String variable, HostTensor value, DType type) {
    // Shared, since the session may be closed by another thread than this.
    Arena memory = Arena.ofShared();
    try {
      session.upload(variable, TensorCasts.copy(value, type, memory), memory::close);
    } catch (RuntimeException | Error e) {
      if (memory.scope().isAlive()) {
        memory.close();
      }
      throw e;
    }
  }
}
