/** 4-bit codes for weights, as bitsandbytes stores them. */
module dev.graft.quant.nf4 {
  requires transitive dev.graft.api;
  requires tools.jackson.core;

  exports dev.graft.quant.nf4;

  provides dev.graft.spi.Quantizer with dev.graft.quant.nf4.Fp4Quantizer, dev.graft.quant.nf4.Nf4Quantizer;
}
