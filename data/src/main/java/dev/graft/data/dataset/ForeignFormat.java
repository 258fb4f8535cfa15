package dev.graft.data.dataset;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Recognises, by their first bytes, files that data often come in but that are not read.
 *
 * @param name what such a file is
 * @param offset where its mark stands
 * @param mark bytes that all such files have there, in hexadecimal
 * @param advice how to get something that is read
 */
record ForeignFormat(String name, int offset, String mark, String advice) {
  /** How many bytes {@link #of} looks at. */
  static final int LOOK = 512;
  /** What is read, for error messages. */
  static final String READ = "data are read from JSON in UTF-8, one object a line or one list of objects, plain"
      + " or compressed by gzip";

  private static final String PANDAS = "convert it, in Python by pandas: .to_json(\"data.jsonl\","
      + " orient=\"records\", lines=True)";
  private static final String TO_UTF8 = "convert it to UTF-8, as by iconv -f UTF-16 -t UTF-8";
  private static final String UNPACK = "unpack it first";
  private static final List<ForeignFormat> ALL = List.of(
      new ForeignFormat("a Parquet file", 0, text("PAR1"), PANDAS),
      new ForeignFormat("an encrypted Parquet file", 0, text("PARE"), PANDAS),
      new ForeignFormat("an Arrow file", 0, text("ARROW1"), PANDAS),
      new ForeignFormat("an Arrow stream", 0, "ffffffff", PANDAS),
      new ForeignFormat("an ORC file", 0, text("ORC"), PANDAS),
      new ForeignFormat("an Avro file", 0, text("Obj") + "01", PANDAS),
      new ForeignFormat("an HDF5 file", 0, "894844460d0a1a0a", PANDAS),
      new ForeignFormat("an SQLite database", 0, text("SQLite format 3"), PANDAS),
      new ForeignFormat("a NumPy file", 0, "934e554d5059", PANDAS),
      new ForeignFormat("a Python pickle", 0, "8002", PANDAS),
      new ForeignFormat("a Python pickle", 0, "8003", PANDAS),
      new ForeignFormat("a Python pickle", 0, "8004", PANDAS),
      new ForeignFormat("a Python pickle", 0, "8005", PANDAS),
      new ForeignFormat("compressed by Zstandard", 0, "28b52ffd", UNPACK + ", as by zstd -d"),
      new ForeignFormat("compressed by bzip2", 0, text("BZh"), UNPACK + ", as by bunzip2"),
      new ForeignFormat("compressed by xz", 0, "fd377a585a00", UNPACK + ", as by unxz"),
      new ForeignFormat("compressed by LZ4", 0, "04224d18", UNPACK + ", as by lz4 -d"),
      new ForeignFormat("a 7z archive", 0, "377abcaf271c", UNPACK),
      new ForeignFormat("a zip archive or a spreadsheet", 0, text("PK") + "0304",
          "unpack the archive, or save the spreadsheet's rows as JSON"),
      new ForeignFormat("compressed by gzip twice", 0, "1f8b", "unpack it once"),
      new ForeignFormat("a tar archive", 257, text("ustar"), UNPACK + ", as by tar -x"),
      new ForeignFormat("a PDF document", 0, text("%PDF"), "take its text out into JSON"),
      new ForeignFormat("a pointer of Git LFS, not the file itself", 0, text("version https://git-lfs"),
          "fetch the file, as by git lfs pull"),
      new ForeignFormat("text in UTF-32", 0, "fffe0000",
          "convert it to UTF-8, as by iconv -f UTF-32 -t UTF-8"),
      new ForeignFormat("text in UTF-32", 0, "0000feff",
          "convert it to UTF-8, as by iconv -f UTF-32 -t UTF-8"),
      new ForeignFormat("text in UTF-16", 0, "fffe", TO_UTF8),
      new ForeignFormat("text in UTF-16", 0, "feff", TO_UTF8),
      new ForeignFormat("text in UTF-16", 0, "7b00", TO_UTF8),
      new ForeignFormat("text in UTF-16", 0, "5b00", TO_UTF8),
      new ForeignFormat("text in UTF-16", 0, "007b", TO_UTF8),
      new ForeignFormat("text in UTF-16", 0, "005b", TO_UTF8));

  /** Returns the format that the first bytes of a file are of, if it is one of these. */
  static Optional<ForeignFormat> of(byte[] start) {
    return ALL.stream().filter(format -> format.isAt(start)).findFirst();
  }

  /** Describes text that is not JSON by its first line. */
  static String ofText(String line, String fileName) {
    String lower = line.strip().toLowerCase(Locale.ROOT);
    String name = fileName.toLowerCase(Locale.ROOT);
    if (lower.startsWith("<")) {
      return "this is HTML or XML, not JSON: is it the page of a download, and not the file itself?";
    }
    boolean separated = name.matches(".*\\.(csv|tsv)(\\.gz)?")
        || line.matches("[^,;\\t{}\\[\\]]{1,100}([,;\\t][^,;\\t ][^,;\\t]{0,100}){1,100}\\s*");
    return separated
        ? "this looks like a table with separators (CSV), which is not read; " + PANDAS
        : "this is not JSON; " + READ;
  }

  private boolean isAt(byte[] start) {
    byte[] wanted = HexFormat.of().parseHex(mark);
    return start.length >= offset + wanted.length
        && Arrays.equals(start, offset, offset + wanted.length, wanted, 0, wanted.length);
  }

  private static String text(String text) {
    return HexFormat.of().formatHex(text.getBytes(StandardCharsets.US_ASCII));
  }
}
