package dev.graft.quant.nf4;

import org.apiguardian.api.API;

/** Stores weights in NF4, as bitsandbytes does (Dettmers et al. 2023). */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class Nf4Quantizer extends FourBitQuantizer {
  /** Creates the quantizer. */
  public Nf4Quantizer() {
    super("nf4", CodeBook.NF4);
  }

  @Override
  public String description() {
    return "NF4: 16 quantiles of the normal distribution, in blocks with one scale each";
  }
}
