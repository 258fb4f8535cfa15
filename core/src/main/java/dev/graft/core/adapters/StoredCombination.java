package dev.graft.core.adapters;

import dev.graft.core.attach.AdapterWeights;
import dev.graft.core.attach.Attachment;
import dev.graft.core.weights.LoadedModel;
import dev.graft.error.GraftException;
import dev.graft.formats.TensorCasts;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.spi.Configuration;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apiguardian.api.API;

/** Makes one adapter folder of several, without a backend. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class StoredCombination {
  private StoredCombination() {
  }

  /**
   * Names an adapter that takes part.
   *
   * @param name shown in errors
   * @param folder where it lies
   * @param weight what it counts, of either sign
   */
  public record Source(String name, Path folder, double weight) {}

  /**
   * Combines adapters as {@link AdapterSet#combine} does, and saves the result in PEFT's format, in the place
   * of an older adapter if there is one: at any time the folder holds the old adapter or the new. The sum is
   * taken in F64 and stored in F32. The base is named as the first adapter names it.
   *
   * @param model the base of all
   * @param way how, such as {@code cat}: one of the ways of the method
   * @param options further settings of the way, such as {@code svd_rank}
   * @return how the new adapter acts
   * @throws GraftException if an adapter is faulty or does not fit the model, if they cannot be combined in
   * this way, or if the disk refuses
   */
  public static Attachment write(LoadedModel model, List<Source> sources, String way, Configuration options,
      Path folder) {
    List<LoadedModel.LoadedAdapter> open = new ArrayList<>();
    try {
      List<Combination.Part> parts = new ArrayList<>();
      Set<String> names = new HashSet<>();
      for (Source source : sources) {
        if (!names.add(source.name())) {
          throw new GraftException("Two adapters are named \"" + source.name() + "\"");
        }
        LoadedModel.LoadedAdapter adapter = model.adapter(source.folder(), false);
        open.add(adapter);
        parts.add(new Combination.Part(source.name(), source.weight(), adapter.attachment(),
            adapter.values()));
      }
      Combination.Result result = Combination.of(way, parts, options, model.base().outline());
      Map<String, HostTensor> values = new LinkedHashMap<>();
      result.values().forEach((key, value) -> values.put(key, TensorCasts.cast(value, DType.F32)));
      String base = open.getFirst().folder().config().get("base_model_name_or_path") instanceof String text
          ? text
          : "";
      AdapterWeights.save(folder, result.attachment(), values,
          parameter -> model.base().value(parameter, DType.F32), base);
      return result.attachment();
    } finally {
      open.forEach(LoadedModel.LoadedAdapter::close);
    }
  }
}
