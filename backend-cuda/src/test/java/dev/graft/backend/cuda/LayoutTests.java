package dev.graft.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import dev.graft.graph.Shape;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

class LayoutTests {
  /** Lists where the elements are, in row-major order of the axes. */
  private static List<Long> places(Layout layout) {
    List<Long> places = new ArrayList<>();
    for (long i = 0; i < layout.size(); i++) {
      long rest = i;
      long place = layout.offset();
      for (int axis = layout.rank() - 1; axis >= 0; axis--) {
        place += rest % layout.dims()[axis] * layout.strides()[axis];
        rest /= layout.dims()[axis];
      }
      places.add(place);
    }
    return places;
  }

  @Test
  void aReshapedLayoutHasItsElementsWhereTheyWere() {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    int possible = 0;
    for (int round = 0; round < 500; round++) {
      Layout layout = Layout.rowMajor(Shape.of(2, 3, 4, 5));
      List<Integer> order = new ArrayList<>(List.of(0, 1, 2, 3));
      if (random.nextBoolean()) {
        Collections.shuffle(order, random);
      }
      layout = layout.permuted(order).sliced(random.nextInt(4), 0, 2);
      List<Shape> targets = new ArrayList<>();
      long size = layout.size();
      targets.add(Shape.of(size));
      targets
          .add(Shape.of(layout.dims()[0] * layout.dims()[1], 1, size / layout.dims()[0] / layout.dims()[1]));
      targets.add(Shape.of(2, size / 2));
      targets.add(Shape.of(size / 2, 2));
      for (Shape target : targets) {
        Optional<Layout> reshaped = layout.reshaped(target);
        if (reshaped.isPresent()) {
          possible++;
          assertThat(places(reshaped.get())).as("seed " + seed).isEqualTo(places(layout));
        }
      }
    }
    assertThat(possible).as("seed " + seed).isPositive();
  }

  @Test
  void rowMajorLayoutsTakeEveryShape() {
    Layout layout = Layout.rowMajor(Shape.of(4, 6));
    assertThat(layout.reshaped(Shape.of(2, 12))).contains(Layout.rowMajor(Shape.of(2, 12)));
    assertThat(layout.isRowMajor()).isTrue();
    assertThat(layout.permuted(List.of(1, 0)).isRowMajor()).isFalse();
  }

  @Test
  void headsBesideEachOtherAreReadAsRows() {
    Layout heads = new Layout(0, new long[]{2, 4, 3, 8}, new long[]{96, 8, 32, 1});
    assertThat(heads.permuted(List.of(0, 2, 1, 3)).reshaped(Shape.of(6, 32)))
        .contains(Layout.rowMajor(Shape.of(6, 32)));
  }
}
