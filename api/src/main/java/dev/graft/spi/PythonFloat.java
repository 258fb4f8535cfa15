package dev.graft.spi;

import java.math.BigDecimal;
import java.math.MathContext;
import org.apiguardian.api.API;

/** Writes floating-point numbers as Python does, for files that are to be the same to the byte. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class PythonFloat {
  private PythonFloat() {
  }

  /**
   * Returns what Python's {@code repr} does: the fewest digits that read back to the same number, plain from
   * 10<sup>-4</sup> up to 10<sup>16</sup> and else with an exponent; or {@code nan}, {@code inf}, {@code -inf}.
   */
  public static String repr(double value) {
    if (Double.isNaN(value)) {
      return "nan";
    }
    String sign = Double.doubleToRawLongBits(value) < 0 ? "-" : "";
    if (Double.isInfinite(value)) {
      return sign + "inf";
    }
    if (value == 0) {
      return sign + "0.0";
    }
    BigDecimal shortest = shortest(Math.abs(value));
    String digits = shortest.unscaledValue().toString();
    int exponent = digits.length() - 1 - shortest.scale();
    if (exponent < -4 || exponent >= 16) {
      String fraction = digits.length() == 1 ? "" : "." + digits.substring(1);
      String size = Math.abs(exponent) < 10 ? "0" + Math.abs(exponent) : "" + Math.abs(exponent);
      return sign + digits.charAt(0) + fraction + "e" + (exponent < 0 ? "-" : "+") + size;
    }
    String plain = shortest.toPlainString();
    return sign + (plain.contains(".") ? plain : plain + ".0");
  }

  /** Java prints two digits where one would do, as in 4.9E-324, and then the one must be found. */
  private static BigDecimal shortest(double value) {
    BigDecimal oneDigit = new BigDecimal(value).round(new MathContext(1));
    BigDecimal shortest = oneDigit.doubleValue() == value ? oneDigit : new BigDecimal(Double.toString(value));
    return shortest.stripTrailingZeros();
  }
}
