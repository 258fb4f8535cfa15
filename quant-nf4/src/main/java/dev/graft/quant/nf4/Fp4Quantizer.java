package dev.graft.quant.nf4;

import org.apiguardian.api.API;

/** Stores weights in FP4, as bitsandbytes does (Dettmers et al. 2023). */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class Fp4Quantizer extends FourBitQuantizer {
  /** Creates the quantizer. */
  public Fp4Quantizer() {
    super("fp4", CodeBook.FP4);
  }

  @Override
  public String description() {
    return "FP4: 4-bit floats, in blocks with one scale each";
  }
}
