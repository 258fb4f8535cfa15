package dev.graft.quant.nf4;

import dev.graft.error.GraftException;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.graph.Shape;
import java.util.Optional;
import java.util.function.Function;

/**
 * Reads one weight from a checkpoint and checks that its parts fit together.
 *
 * @param names names of the parts
 * @param tensors gives each tensor of the checkpoint by name
 */
record Reader(PartNames names, Function<String, HostTensor> tensors) {
  FourBitTensor read(String code) {
    String stateName = names.state(code);
    QuantState state = QuantState.read(tensors.apply(stateName), stateName, code);
    long elements = state.shape().size();
    HostTensor packed = packed(elements, state);
    HostTensor map = floats(names.quantMap(), CodeBook.SIZE, "the values of the 4-bit codes");
    long blocks = BlockCodec.blocks(elements, state.blockSize());
    String reason = "one scale for each block of " + state.blockSize() + " of the " + elements + " elements";
    FourBitTensor.Scales scales;
    if (state.nested().isEmpty()) {
      HostTensor absmax = floats(names.absmax(), blocks, reason);
      scales = new FourBitTensor.PlainScales(absmax);
    } else {
      scales = new FourBitTensor.EncodedScales(nested(state.nested().get(), blocks, reason));
    }
    return new FourBitTensor(names.weight(), state, CodeBook.of(map), packed, scales);
  }

  /** Views the packed codes as bytes: bitsandbytes may store them under any type of the same bytes. */
  private HostTensor packed(long elements, QuantState state) {
    HostTensor stored = tensors.apply(names.weight());
    long bytes = (elements + 1) / 2;
    if (stored.bytes() != bytes) {
      throw new GraftException(names.weight() + " holds " + stored.bytes() + " bytes of packed codes, but its"
          + " quantization state gives shape " + state.shape() + ", which takes " + bytes);
    }
    return HostTensor.wrap(DType.U8, stored.dtype() == DType.U8 ? stored.shape() : Shape.of(bytes, 1),
        stored.segment());
  }

  private DoubleQuantization nested(QuantState.Nested state, long blocks, String reason) {
    HostTensor codes = tensors.apply(names.absmax());
    check(names.absmax(), codes, DType.U8, blocks, reason + ", encoded in 8 bits");
    long nestedBlocks = BlockCodec.blocks(blocks, state.blockSize());
    HostTensor absmax = floats(names.nestedAbsmax(), nestedBlocks,
        "one scale for each block of " + state.blockSize() + " of the " + blocks + " scales");
    HostTensor map = floats(names.nestedQuantMap(), DynamicMap.SIZE, "the values of the 8-bit codes");
    return new DoubleQuantization(codes.reshape(Shape.of(blocks)), absmax, DynamicMap.of(map),
        state.blockSize(),
        state.offset());
  }

  /** Reads finite F32 values [count]. */
  private HostTensor floats(String name, long count, String reason) {
    HostTensor tensor = tensors.apply(name);
    check(name, tensor, DType.F32, count, reason);
    Optional<Long> bad = firstNotFinite(tensor);
    if (bad.isPresent()) {
      throw new GraftException(name + " is not finite: it holds " + tensor.at(bad.get()) + " at index "
          + bad.get() + ". The checkpoint is damaged; download or quantise it again.");
    }
    return tensor.reshape(Shape.of(count));
  }

  private static void check(String name, HostTensor tensor, DType type, long count, String reason) {
    if (tensor.dtype() != type || tensor.shape().size() != count) {
      throw new GraftException(
          name + " is " + tensor + ", but must be " + type + "[" + count + "]: " + reason);
    }
  }

  private static Optional<Long> firstNotFinite(HostTensor tensor) {
    float[] values = tensor.toFloats();
    for (int i = 0; i < values.length; i++) {
      if (!Float.isFinite(values[i])) {
        return Optional.of((long) i);
      }
    }
    return Optional.empty();
  }
}
