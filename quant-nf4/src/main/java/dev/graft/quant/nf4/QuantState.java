package dev.graft.quant.nf4;

import dev.graft.error.GraftException;
import dev.graft.graph.DType;
import dev.graft.graph.GraphException;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.spi.Configuration;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SegmentAllocator;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Describes an encoded weight: the JSON text that bitsandbytes stores as bytes in
 * {@code <weight>.quant_state.bitsandbytes__<code>}.
 *
 * @param code name of the code, such as {@code nf4}
 * @param blockSize elements that share a scale
 * @param dtype type of the weight before it was encoded
 * @param shape shape of the weight
 * @param nested how the scales are encoded in turn; empty if they are floats
 */
record QuantState(String code, int blockSize, DType dtype, Shape shape, Optional<Nested> nested) {
  private static final int MAX_BYTES = 1 << 16;

  /**
   * Describes encoded scales.
   *
   * @param blockSize scales that share a residual scale
   * @param offset mean of the scales
   */
  record Nested(int blockSize, float offset) {}

  /**
   * Reads the stored bytes.
   *
   * @param origin name of the tensor
   * @throws GraftException if they hold no JSON object in UTF-8, or a field is missing or wrong
   */
  static QuantState read(HostTensor bytes, String origin, String code) {
    Configuration json = new Configuration(origin, JsonText.object(text(bytes, origin), origin));
    String stored = json.text("quant_type", "");
    if (!stored.equals(code)) {
      json.fault("quant_type", "must be \"" + code + "\", as the tensor's name says, not \"" + stored + "\"");
    }
    int blockSize = BlockSizes.checked(json, "blocksize", json.integer("blocksize"));
    DType dtype = dtype(json, "dtype");
    Optional<Nested> nested = Optional.empty();
    if (json.has("nested_offset") || json.has("nested_blocksize")) {
      int nestedBlockSize = BlockSizes.checked(json, "nested_blocksize", json.integer("nested_blocksize"));
      if (dtype(json, "nested_dtype") != DType.F32) {
        json.fault("nested_dtype", "must be \"float32\"");
      }
      double offset = json.number("nested_offset", Double.NaN);
      if (!Float.isFinite((float) offset)) {
        json.fault("nested_offset", "must be a finite number");
      }
      nested = Optional.of(new Nested(nestedBlockSize, (float) offset));
    }
    Shape shape = shape(json);
    json.finish();
    return new QuantState(code, blockSize, dtype, shape, nested);
  }

  private static String text(HostTensor bytes, String origin) {
    if (bytes.dtype() != DType.U8 || bytes.bytes() > MAX_BYTES) {
      throw new GraftException(origin + " must hold the quantization state as at most " + MAX_BYTES
          + " bytes of U8, not " + bytes);
    }
    ByteBuffer copy = ByteBuffer.wrap(bytes.segment().toArray(java.lang.foreign.ValueLayout.JAVA_BYTE));
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(copy).toString();
    } catch (CharacterCodingException e) {
      throw new GraftException(origin + " is not valid JSON: its bytes are not UTF-8", e);
    }
  }

  private static Shape shape(Configuration json) {
    List<Integer> dims = json.integers("shape");
    if (dims.isEmpty()) {
      json.fault("shape", "must list the lengths of the weight's axes");
      return Shape.of(0);
    }
    try {
      return Shape.of(dims.stream().mapToLong(Integer::longValue).toArray());
    } catch (GraphException e) {
      json.fault("shape", "is impossible: " + e.getMessage());
      return Shape.of(0);
    }
  }

  private static DType dtype(Configuration json, String key) {
    return switch (json.text(key, "")) {
      case "float32" -> DType.F32;
      case "bfloat16" -> DType.BF16;
      case "float16" -> DType.F16;
      default -> {
        json.fault(key, "must be \"float32\", \"bfloat16\" or \"float16\"");
        yield DType.F32;
      }
    };
  }

  /** Returns PyTorch's name of a floating-point type that a weight can have. */
  static String torchName(DType dtype) {
    return switch (dtype) {
      case F32 -> "float32";
      case BF16 -> "bfloat16";
      case F16 -> "float16";
      case F64, I64, I32, I8, U8, BOOL -> throw new IllegalArgumentException(dtype + " is never encoded");
    };
  }

  /** Writes the bytes, to the bit as bitsandbytes does. */
  HostTensor write(SegmentAllocator memory) {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("quant_type", code);
    json.put("blocksize", blockSize);
    json.put("dtype", torchName(dtype));
    json.put("shape", Arrays.stream(shape.dims()).boxed().toList());
    nested.ifPresent(scales -> {
      json.put("nested_blocksize", scales.blockSize());
      json.put("nested_dtype", torchName(DType.F32));
      json.put("nested_offset", (double) scales.offset());
    });
    byte[] bytes = JsonText.write(json).getBytes(StandardCharsets.UTF_8);
    MemorySegment segment = memory.allocate(bytes.length, 1);
    segment.copyFrom(MemorySegment.ofArray(bytes));
    return HostTensor.wrap(DType.U8, Shape.of(bytes.length), segment);
  }
}
