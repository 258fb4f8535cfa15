package dev.graft.core.planted;

/** Breaks a rule of the architecture, so that a test can see that the rule catches it. */
final class WritesToTheConsole {
  private WritesToTheConsole() {
  }

  static void write() {
    System.out.println();
  }
}
