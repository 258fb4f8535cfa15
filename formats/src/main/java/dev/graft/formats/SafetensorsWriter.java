package dev.graft.formats;

import dev.graft.error.GraftException;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Signature;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apiguardian.api.API;

/**
 * Writes safetensors files to the byte as the format's own library does: the widest types first, then by
 * name, the header padded with spaces to 8 bytes. One tensor at a time is asked for and let go.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class SafetensorsWriter {
  private static final int CHUNK = 1 << 24;

  private final Map<String, String> metadata;
  private final boolean finite;

  private SafetensorsWriter(Map<String, String> metadata, boolean finite) {
    this.metadata = metadata;
    this.finite = finite;
  }

  /** Creates a writer that marks files as PyTorch's, {@code {"format":"pt"}}; other tools ask for it. */
  public static SafetensorsWriter pytorch() {
    return withMetadata(Map.of("format", "pt"));
  }

  /** Creates a writer of the given {@code __metadata__}; none is written if it is empty. */
  public static SafetensorsWriter withMetadata(Map<String, String> metadata) {
    return new SafetensorsWriter(new TreeMap<>(metadata), false);
  }

  /** Returns a writer that refuses NaN and infinity. */
  public SafetensorsWriter refusingNonFinite() {
    return new SafetensorsWriter(metadata, true);
  }

  /**
   * Writes a file in the place of an old one: a reader sees the old or the new, never a part.
   *
   * @throws GraftException if the disk refuses, or a value is not finite and this writer asks for it
   */
  public void write(Path file, TensorSource tensors) {
    try {
      SafeFiles.DISK.replace(file, content(file, tensors));
    } catch (IOException e) {
      throw FileFaults.writing(file, e);
    }
  }

  /** Returns what the file is to hold; the tensors are asked for when it is written. */
  Content content(Path file, TensorSource tensors) {
    List<String> names = order(tensors);
    byte[] header = header(names, tensors).getBytes(StandardCharsets.UTF_8);
    if (header.length > SafetensorsHeader.MAX_BYTES) {
      throw new GraftException(file + " would need a header of " + header.length
          + " bytes, beyond the limit of " + SafetensorsHeader.MAX_BYTES + ": write fewer tensors to a file");
    }
    return out -> {
      ByteBuffer length = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
      Content.writeAll(out, length.putLong(header.length).flip());
      Content.writeAll(out, ByteBuffer.wrap(header));
      for (String name : names) {
        HostTensor tensor = tensor(name, tensors, file);
        write(out, tensor);
        MappedPages.release(tensor);
      }
    };
  }

  private HostTensor tensor(String name, TensorSource tensors, Path file) {
    HostTensor tensor = tensors.tensor(name);
    Signature promised = tensors.signature(name);
    if (!promised.equals(new Signature(tensor.dtype(), tensor.shape()))) {
      throw new IllegalStateException("The tensor " + name + " was announced as " + promised + " and is "
          + tensor);
    }
    if (finite) {
      NonFinite.refuse(tensor, "The tensor " + name + ", to be written to " + file + ",");
    }
    return tensor;
  }

  private static void write(WritableByteChannel out, HostTensor tensor) throws IOException {
    MemorySegment segment = tensor.segment();
    for (long at = 0; at < segment.byteSize(); at += CHUNK) {
      long count = Math.min(CHUNK, segment.byteSize() - at);
      Content.writeAll(out, segment.asSlice(at, count).asByteBuffer());
    }
  }

  private static List<String> order(TensorSource tensors) {
    List<String> names = new ArrayList<>(tensors.names());
    Comparator<String> byType = Comparator.comparing(name -> StoredType.of(tensors.signature(name).dtype()));
    names.sort(byType.reversed().thenComparing(PythonJsonWriter.BY_CODE_POINT));
    return names;
  }

  private String header(List<String> names, TensorSource tensors) {
    StringBuilder json = new StringBuilder("{");
    if (!metadata.isEmpty()) {
      quote(json, SafetensorsHeader.METADATA).append(":{");
      String comma = "";
      for (Map.Entry<String, String> entry : metadata.entrySet()) {
        quote(json.append(comma), entry.getKey());
        quote(json.append(':'), entry.getValue());
        comma = ",";
      }
      json.append("}");
    }
    long at = 0;
    for (String name : names) {
      if (name.equals(SafetensorsHeader.METADATA)) {
        throw new GraftException("A tensor cannot be called " + name + ": the format reserves the name");
      }
      Signature signature = tensors.signature(name);
      long end = Math.addExact(at, Math.multiplyExact(signature.shape().size(), signature.dtype().bytes()));
      quote(json.append(json.length() > 1 ? "," : ""), name)
          .append(":{\"dtype\":\"").append(StoredType.of(signature.dtype()))
          .append("\",\"shape\":").append(signature.shape().toString().replace(" ", ""))
          .append(",\"data_offsets\":[").append(at).append(',').append(end).append("]}");
      at = end;
    }
    json.append('}');
    int bytes = json.toString().getBytes(StandardCharsets.UTF_8).length;
    return json.append(" ".repeat(-bytes & Long.BYTES - 1)).toString();
  }

  /** Quotes as the reference implementation does: only what JSON demands is escaped. */
  private static StringBuilder quote(StringBuilder json, String text) {
    if (SafetensorsHeader.hasLoneSurrogate(text)) {
      throw new GraftException("A name in a safetensors file must be Unicode, and an unpaired surrogate is"
          + " absent in \"" + text + "\"");
    }
    json.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '"' -> json.append("\\\"");
        case '\\' -> json.append("\\\\");
        case '\n' -> json.append("\\n");
        case '\r' -> json.append("\\r");
        case '\t' -> json.append("\\t");
        case '\b' -> json.append("\\b");
        case '\f' -> json.append("\\f");
        default -> {
          if (c < ' ') {
            json.append("\\u").append(HexFormat.of().toHexDigits(c));
          } else {
            json.append(c);
          }
        }
      }
    }
    return json.append('"');
  }
}
