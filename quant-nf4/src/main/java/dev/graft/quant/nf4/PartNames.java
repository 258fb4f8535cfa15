package dev.graft.quant.nf4;

/**
 * Names the tensors that hold one weight in a checkpoint of bitsandbytes.
 *
 * @param weight the weight's name, which the packed codes bear
 */
record PartNames(String weight) {
  private static final String STATE = ".quant_state.bitsandbytes__";

  String absmax() {
    return weight + ".absmax";
  }

  String quantMap() {
    return weight + ".quant_map";
  }

  String nestedAbsmax() {
    return weight + ".nested_absmax";
  }

  String nestedQuantMap() {
    return weight + ".nested_quant_map";
  }

  /** Returns the name of the quantization state, which ends with the code's name. */
  String state(String code) {
    return statePrefix() + code;
  }

  String statePrefix() {
    return weight + STATE;
  }
}
