package dev.graft.cli.text;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.core.train.RunLog;
import java.io.StringReader;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import org.xml.sax.InputSource;

class LossChartTests {
  private static final List<RunLog.Point> TRAINING = LongStream.rangeClosed(1, 100)
      .mapToObj(step -> new RunLog.Point(step, 3 - 0.02 * step)).toList();
  private static final List<RunLog.Point> VALIDATION = List.of(new RunLog.Point(0, 3.1),
      new RunLog.Point(50, 2.2), new RunLog.Point(100, 1.5));

  @Test
  void theDocumentHasBothCurvesTicksAndNames() throws Exception {
    Document svg = parse(LossChart.draw("Loss of <lora> & more", new RunLog.Curves(TRAINING, VALIDATION)));
    assertThat(svg.getDocumentElement().getTagName()).isEqualTo("svg");
    List<String> texts = texts(svg.getElementsByTagName("text"));
    assertThat(texts).contains("Loss of <lora> & more", "step", "loss", "validation", "0", "100", "2", "3");
    assertThat(svg.getElementsByTagName("circle").getLength()).as("evaluations").isEqualTo(3);
  }

  @Test
  void aFallingLossFallsInThePicture() throws Exception {
    Document svg = parse(LossChart.draw("falling", new RunLog.Curves(TRAINING, List.of())));
    NodeList paths = svg.getElementsByTagName("path");
    String data = ((Element) paths.item(1)).getAttribute("d");
    Matcher points = Pattern.compile("[ML]([0-9.]+) ([0-9.]+)").matcher(data);
    double x = -1;
    double y = -1;
    int count = 0;
    while (points.find()) {
      assertThat(Double.parseDouble(points.group(1))).isGreaterThan(x).isBetween(0.0, 800.0);
      assertThat(Double.parseDouble(points.group(2))).isGreaterThan(y).isBetween(0.0, 420.0);
      x = Double.parseDouble(points.group(1));
      y = Double.parseDouble(points.group(2));
      count++;
    }
    assertThat(count).isEqualTo(100);
  }

  @Test
  void ticksAreFewAndRound() {
    assertThat(LossChart.ticks(0, 300)).containsExactly(0.0, 50.0, 100.0, 150.0, 200.0, 250.0, 300.0);
    assertThat(LossChart.ticks(1.03, 1.98)).allSatisfy(tick -> assertThat(tick * 5).isCloseTo(
        Math.rint(tick * 5), Offset.offset(1e-9)));
  }

  @Test
  void aRunWithoutAStepOrWithOneHasAPictureToo() throws Exception {
    parse(LossChart.draw("none", new RunLog.Curves(List.of(), List.of())));
    parse(LossChart.draw("one", new RunLog.Curves(List.of(new RunLog.Point(1, 2.0)), List.of())));
  }

  private static Document parse(String svg) throws Exception {
    assertThat(svg).doesNotContain("NaN", "Infinity");
    return DocumentBuilderFactory.newInstance().newDocumentBuilder()
        .parse(new InputSource(new StringReader(svg)));
  }

  private static List<String> texts(NodeList nodes) {
    return IntStream.range(0, nodes.getLength()).mapToObj(i -> nodes.item(i).getTextContent())
        .toList();
  }
}
