package dev.graft.cli;

import java.util.List;

/** Tells users what a stored model or adapter says that has no effect, or another one than it says. */
final class Notes {
  private Notes() {
  }

  static void print(Streams streams, List<String> notes) {
    notes.forEach(note -> streams.err().println("note: " + note));
    streams.err().flush();
  }
}
