package dev.graft.quant.nf4;

import dev.graft.error.GraftException;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.spi.Configuration;
import dev.graft.spi.QuantizedTensor;
import dev.graft.spi.Quantizer;
import java.lang.foreign.SegmentAllocator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Reads and writes weights as bitsandbytes stores them, in one 4-bit code. */
abstract sealed class FourBitQuantizer implements Quantizer permits Nf4Quantizer, Fp4Quantizer {
  private final String code;
  private final CodeBook book;

  FourBitQuantizer(String code, CodeBook book) {
    this.code = code;
    this.book = book;
  }

  @Override
  public String id() {
    return code;
  }

  @Override
  public Set<String> parts(String weight, Set<String> names) {
    PartNames parts = new PartNames(weight);
    boolean scaled = names.contains(parts.absmax()) || names.contains(parts.quantMap());
    if (!names.contains(parts.state(code))) {
      if (scaled && names.contains(weight)
          && names.stream().noneMatch(n -> n.startsWith(parts.statePrefix()))) {
        throw new GraftException(weight + " is quantised, as " + parts.absmax() + " or " + parts.quantMap()
            + " shows, but its quantization state " + parts.state("<code>")
            + " is missing, so that it cannot be decoded. Download or quantise the model again.");
      }
      return Set.of();
    }
    Set<String> found = new LinkedHashSet<>(List.of(weight, parts.absmax(), parts.quantMap()));
    boolean nested = names.contains(parts.nestedAbsmax()) || names.contains(parts.nestedQuantMap());
    if (nested) {
      found.add(parts.nestedAbsmax());
      found.add(parts.nestedQuantMap());
    }
    found.add(parts.state(code));
    found.forEach(part -> require(part, weight, names));
    return found;
  }

  private void require(String part, String weight, Set<String> names) {
    if (!names.contains(part)) {
      throw new GraftException(part + " is missing, without which " + weight + ", stored in " + code
          + ", cannot be decoded. Download or quantise the model again.");
    }
  }

  @Override
  public QuantizedTensor read(String weight, Function<String, HostTensor> tensors) {
    return new Reader(new PartNames(weight), tensors).read(code);
  }

  @Override
  public QuantizedTensor encode(String weight, HostTensor value, Configuration options,
      SegmentAllocator memory) {
    Options settings = Options.read(options);
    if (!value.dtype().isFloating() || value.shape().size() == 0) {
      throw new GraftException(weight + " is " + value + ", which cannot be encoded: a 4-bit code needs"
          + " floating-point values");
    }
    // bitsandbytes has no F64: such a weight would be loaded as F32 first.
    DType dtype = value.dtype() == DType.F64 ? DType.F32 : value.dtype();
    Optional<FourBitTensor.NestedCode> nested = settings.doubleQuant()
        ? Optional.of(new FourBitTensor.NestedCode(DynamicMap.SIGNED, DoubleQuantization.BLOCK_SIZE))
        : Optional.empty();
    return FourBitTensor.encode(weight, value, code, book, settings.blockSize(), nested, dtype, memory);
  }

  @Override
  public Map<String, @Nullable Object> modelConfig(Configuration options, DType compute) {
    Options settings = Options.read(options);
    Map<String, @Nullable Object> config = new LinkedHashMap<>();
    config.put("_load_in_4bit", true);
    config.put("_load_in_8bit", false);
    config.put("bnb_4bit_compute_dtype", QuantState.torchName(compute == DType.F64 ? DType.F32 : compute));
    config.put("bnb_4bit_quant_storage", "uint8");
    config.put("bnb_4bit_quant_type", code);
    config.put("bnb_4bit_use_double_quant", settings.doubleQuant());
    config.put("llm_int8_enable_fp32_cpu_offload", false);
    config.put("llm_int8_has_fp16_weight", false);
    config.put("llm_int8_skip_modules", null);
    config.put("llm_int8_threshold", 6.0);
    config.put("load_in_4bit", true);
    config.put("load_in_8bit", false);
    config.put("quant_method", "bitsandbytes");
    return config;
  }

  /**
   * Holds the settings of an encoding.
   *
   * @param blockSize elements that share a scale
   * @param doubleQuant whether the scales are encoded in turn
   */
  private record Options(int blockSize, boolean doubleQuant) {
    static Options read(Configuration options) {
      int blockSize = BlockSizes.checked(options, "block_size",
          options.integer("block_size", BlockSizes.DEFAULT));
      boolean doubleQuant = options.flag("double_quant", false);
      options.unread().forEach(key -> options.fault(key, "is not known; known are block_size, double_quant"));
      options.finish();
      return new Options(blockSize, doubleQuant);
    }
  }
}
