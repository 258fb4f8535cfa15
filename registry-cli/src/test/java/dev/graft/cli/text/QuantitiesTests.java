package dev.graft.cli.text;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class QuantitiesTests {
  @ParameterizedTest
  @CsvSource(delimiter = '|', value = {"0|0", "999|999", "1000|1 k", "1234|1.23 k", "65536|65.5 k",
    "999499|999 k",
    "999500|1 M", "1200000|1.2 M", "6738415616|6.74 B"})
  void countsHaveThreeDigits(long value, String text) {
    assertThat(Quantities.count(value)).isEqualTo(text);
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', value = {"0|0 steps", "1|1 step", "2|2 steps", "65536|65,536 steps"})
  void oneAloneIsNotPlural(long value, String text) {
    assertThat(Quantities.of(value, "step")).isEqualTo(text);
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', value = {"0|0 B", "1023|1023 B", "1024|1 KiB", "12897485|12.3 MiB",
    "1073741824|1 GiB"})
  void bytesAreCountedInPowersOf1024(long value, String text) {
    assertThat(Quantities.bytes(value)).isEqualTo(text);
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', value = {"0.00390625|0.39 %", "0|0 %", "1|100 %", "0.125|12.5 %",
    "0.0999|9.99 %",
    "0.00001234|0.0012 %"})
  void sharesKeepTheDigitsThatMatter(double share, String text) {
    assertThat(Quantities.percent(share)).isEqualTo(text);
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', value = {"0.04|0.0 s", "9.94|9.9 s", "9.96|10 s", "59.4|59 s",
    "59.6|1 min 00 s",
    "185|3 min 05 s", "7620|2 h 07 min"})
  void timesGrowFromSecondsToHours(double seconds, String text) {
    assertThat(Quantities.time(seconds)).isEqualTo(text);
  }
}
