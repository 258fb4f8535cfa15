package dev.graft.quant.nf4;

import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import dev.graft.graph.nn.BlockDequantize;
import dev.graft.graph.nn.NestedScales;
import dev.graft.spi.QuantizedTensor;
import java.lang.foreign.SegmentAllocator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * Holds one weight in 4 bits.
 *
 * @param weight the weight's name
 * @param state what the checkpoint says of it
 * @param book the codes
 * @param packed two codes a byte, as the checkpoint has them
 * @param scales one a block
 */
record FourBitTensor(String weight, QuantState state, CodeBook book, HostTensor packed,
    Scales scales) implements QuantizedTensor {
  private static final String PACKED = "packed";
  private static final String ABSMAX = "absmax";
  private static final String NESTED_ABSMAX = "nested_absmax";
  private static final String NESTED_OFFSET = "nested_offset";

  /** Holds the scales of a weight. */
  sealed interface Scales {
    /** Returns one float a block. */
    float[] decode();
  }

  /** Holds scales as F32 [blocks]. */
  record PlainScales(HostTensor absmax) implements Scales {
    @Override
    public float[] decode() {
      return absmax.toFloats();
    }
  }

  /** Holds scales in 8 bits each. */
  record EncodedScales(DoubleQuantization nested) implements Scales {
    @Override
    public float[] decode() {
      return nested.decode();
    }
  }

  /** Encodes a weight. */
  static FourBitTensor encode(String weight, HostTensor value, String code, CodeBook book, int blockSize,
      Optional<NestedCode> nested, DType dtype, SegmentAllocator memory) {
    BlockCodec.Blocks blocks = new BlockCodec(book, blockSize).encode(weight, value, memory);
    if (nested.isEmpty()) {
      HostTensor absmax = HostTensor.wrap(DType.F32, Shape.of(blocks.absmax().length),
          memory.allocate((long) blocks.absmax().length * Float.BYTES, Float.BYTES));
      Floats.write(absmax, 0, blocks.absmax(), blocks.absmax().length);
      QuantState state = new QuantState(code, blockSize, dtype, value.shape(), Optional.empty());
      return new FourBitTensor(weight, state, book, blocks.packed(), new PlainScales(absmax));
    }
    DoubleQuantization scales = DoubleQuantization.encode(blocks.absmax(), nested.get().map(),
        nested.get().blockSize(),
        memory);
    QuantState state = new QuantState(code, blockSize, dtype, value.shape(),
        Optional.of(new QuantState.Nested(scales.blockSize(), scales.offset())));
    return new FourBitTensor(weight, state, book, blocks.packed(), new EncodedScales(scales));
  }

  /**
   * Says how scales are to be encoded.
   *
   * @param map the 8-bit codes
   * @param blockSize scales that share a residual scale
   */
  record NestedCode(DynamicMap map, int blockSize) {}

  @Override
  public Shape shape() {
    return state.shape();
  }

  @Override
  public DType dtype() {
    return state.dtype();
  }

  @Override
  public Map<String, HostTensor> stored() {
    PartNames names = new PartNames(weight);
    Map<String, HostTensor> stored = new LinkedHashMap<>();
    stored.put(weight, packed);
    stored.put(names.quantMap(), book.tensor());
    switch (scales) {
      case PlainScales plain -> stored.put(names.absmax(), plain.absmax());
      case EncodedScales(DoubleQuantization nested) -> {
        stored.put(names.absmax(), nested.codes());
        stored.put(names.nestedAbsmax(), nested.absmax());
        stored.put(names.nestedQuantMap(), nested.map().tensor());
      }
    }
    stored.put(names.state(state.code()), state.write(java.lang.foreign.Arena.ofAuto()));
    return stored;
  }

  @Override
  public Map<String, HostTensor> resident() {
    Map<String, HostTensor> resident = new LinkedHashMap<>();
    resident.put(PACKED, packed);
    switch (scales) {
      case PlainScales plain -> resident.put(ABSMAX, plain.absmax());
      case EncodedScales(DoubleQuantization nested) -> {
        resident.put(ABSMAX, nested.codes());
        resident.put(NESTED_ABSMAX, nested.absmax());
        resident.put(NESTED_OFFSET, HostTensor.ofFloats(Shape.of(1), nested.offset()));
      }
    }
    return resident;
  }

  @Override
  public Tensor decode(Map<String, Tensor> parts, DType type) {
    Tensor absmax = part(parts, ABSMAX);
    Tensor blockScales = switch (scales) {
      case PlainScales _ -> absmax;
      case EncodedScales(DoubleQuantization nested) -> Tensor.of(new NestedScales(nested.blockSize()), absmax,
          Tensor.constant(nested.map().tensor()), part(parts, NESTED_ABSMAX), part(parts, NESTED_OFFSET));
    };
    return Tensor.of(new BlockDequantize(state.blockSize(), shape(), type), part(parts, PACKED), blockScales,
        Tensor.constant(book.tensor()));
  }

  private static Tensor part(Map<String, Tensor> parts, String name) {
    return Objects.requireNonNull(parts.get(name), name);
  }

  @Override
  public HostTensor decode(DType type) {
    return new BlockCodec(book, state.blockSize()).decode(packed, scales.decode(), shape(), type);
  }

  @Override
  public QuantizedTensor requantize(HostTensor value, SegmentAllocator memory) {
    Optional<NestedCode> nested = switch (scales) {
      case PlainScales _ -> Optional.empty();
      case EncodedScales(DoubleQuantization old) -> Optional.of(new NestedCode(old.map(), old.blockSize()));
    };
    return encode(weight, value.reshape(shape()), state.code(), book, state.blockSize(), nested, dtype(),
        memory);
  }
}
