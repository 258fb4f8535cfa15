package dev.graft.cli.text;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import org.apiguardian.api.API;

/** Writes what it is given as {@link Printable} has it. */
@API(status = API.Status.INTERNAL, since = "0.1")
public final class PrintableWriter extends Writer {
  private final PrintWriter out;

  /** Creates a writer before another. */
  public PrintableWriter(PrintWriter out) {
    super(out);
    this.out = out;
  }

  @Override
  public void write(char[] characters, int from, int count) throws IOException {
    out.write(Printable.text(new String(characters, from, count)));
  }

  @Override
  public void flush() throws IOException {
    if (out.checkError()) {
      throw new IOException("The output cannot be written");
    }
  }

  @Override
  public void close() {
    out.close();
  }
}
