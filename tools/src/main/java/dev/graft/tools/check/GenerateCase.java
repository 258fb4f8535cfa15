package dev.graft.tools.check;

import dev.graft.core.GenerationOptions;
import dev.graft.core.generate.Generator;
import dev.graft.core.graphs.RowGroup;
import dev.graft.error.GraftException;
import dev.graft.formats.SafetensorsFile;
import dev.graft.graph.HostTensor;
import dev.graft.spi.Configuration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** Compares the tokens of greedy decoding, row by row. */
final class GenerateCase implements ModelCase.Kind {
  @Override
  public void compare(ModelCase open) {
    GenerationOptions options = options(open.check().json());
    try (SafetensorsFile file = open.check().open("batch.safetensors");
        SafetensorsFile expect = open.check().open("expect.safetensors");
        Generator generator = new Generator(open.session(), open.base(), open.type())) {
      HostTensor wanted = expect.tensor("output_ids");
      int count = Math.toIntExact(wanted.shape().dim(0));
      List<RowGroup> groups = groups(open, count);
      boolean mixed = expect.names().contains("prompt_ids");
      if (mixed) {
        open.compareLogits(groups, ModelCase.batch(file, 0), expect.tensor("logits"));
      }
      SafetensorsFile prompts = mixed ? expect : file;
      long[][] ids = matrix(prompts.tensor(mixed ? "prompt_ids" : "input_ids"));
      long[][] mask = matrix(prompts.tensor(mixed ? "prompt_mask" : "attention_mask"));
      long[][] out = generator.generate(groups, ids, mask, options, (_, _) -> {
      });
      for (int row = 0; row < count; row++) {
        compareRow(open.comparison(), row, out[row], wanted);
      }
    }
  }

  private static GenerationOptions options(Configuration json) {
    Configuration settings = json.section("generation")
        .orElseThrow(() -> new GraftException(json.source() + ": \"generation\" is missing"));
    Set<Long> stops = settings.value("eos_token_id").map(v -> switch (v) {
      case Number n -> Set.of(n.longValue());
      case Collection<?> c -> c.stream().map(x -> ((Number) x).longValue()).collect(Collectors.toSet());
      default -> throw new GraftException(json.source() + ": eos_token_id must be a number or a list");
    }).orElse(Set.of());
    return GenerationOptions.greedy(Math.toIntExact(settings.integer("max_new_tokens")), stops,
        settings.integer("pad_token_id", 0));
  }

  private static void compareRow(Comparison comparison, int row, long[] out, HostTensor wanted) {
    for (int i = 0; i < out.length; i++) {
      long expected = wanted.integerAt((long) row * out.length + i);
      if (out[i] != expected) {
        comparison.fault("row " + row + " goes on with token " + out[i] + " at " + i + ", expected "
            + expected);
        return;
      }
    }
  }

  private static List<RowGroup> groups(ModelCase open, int count) {
    List<String> names = open.check().json().texts("row_adapters");
    if (names.isEmpty()) {
      return List.of(open.allRows(count));
    }
    List<RowGroup> groups = new ArrayList<>();
    for (int row = 0; row < names.size(); row++) {
      groups.add(new RowGroup(names.get(row), Optional.ofNullable(open.adapters().get(names.get(row))), row,
          row + 1));
    }
    return groups;
  }

  private static long[][] matrix(HostTensor tensor) {
    int rows = Math.toIntExact(tensor.shape().dim(0));
    int length = Math.toIntExact(tensor.shape().dim(1));
    long[][] out = new long[rows][];
    for (int row = 0; row < rows; row++) {
      out[row] = ModelCase.part(tensor, row, length);
    }
    return out;
  }
}
