package dev.graft.spi;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PythonFloatTests {
  /** Beside each number what Python 3 prints for it. */
  @ParameterizedTest
  @CsvSource({"0.29755908250808716, 0.29755908250808716", "1e-4, 0.0001",
    "9.999999747378752e-06, 9.999999747378752e-06",
    "1e-38, 1e-38", "1e15, 1000000000000000.0", "1e16, 1e+16", "1.5e300, 1.5e+300", "0, 0.0", "-0.0, -0.0",
    "3, 3.0",
    "-2.5e-7, -2.5e-07", "123456.789, 123456.789", "4.9e-324, 5e-324", "-4.9e-324, -5e-324", "2e23, 2e+23",
    "1.7976931348623157e308, 1.7976931348623157e+308", "9007199254740993, 9007199254740992.0", "NaN, nan",
    "Infinity, inf", "-Infinity, -inf"})
  void numbersAreWrittenAsPythonDoes(double number, String expected) {
    assertThat(PythonFloat.repr(number)).isEqualTo(expected);
  }

  @Test
  void everyNumberReadsBack() {
    long seed = new Random().nextLong();
    Random random = new Random(seed);
    for (int i = 0; i < 10_000; i++) {
      double number = Double.longBitsToDouble(random.nextLong());
      if (Double.isFinite(number)) {
        String text = PythonFloat.repr(number);
        assertThat(Double.parseDouble(text)).as("seed %d: %s", seed, text).isEqualTo(number);
      }
    }
  }
}
