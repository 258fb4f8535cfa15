package dev.graft.spi;

import dev.graft.graph.HostTensor;
import dev.graft.graph.Tensor;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apiguardian.api.API;
import org.jspecify.annotations.Nullable;

/**
 * Adapts a model by few parameters. A method is stateless: all it knows is in its configuration, all it learns
 * in the parameters it declares.
 *
 * @param <C> the method's configuration, a record
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public interface PeftMethod<C> extends Plugin {
  /** Returns the {@code peft_type} that {@code adapter_config.json} gives this method, such as {@code LORA}. */
  String peftType();

  /**
   * Tells whether this method can read a configuration of its {@link #peftType}. If several methods claim one,
   * it belongs to the one with the most {@linkplain #discriminators discriminators} in it; two of equally many
   * are refused.
   */
  default boolean claims(Configuration configuration) {
    return true;
  }

  /**
   * Returns the entries of {@code adapter_config.json} that make a configuration this method's, such as
   * {@code use_dora: true}; {@code peft_type} need not be among them. A new adapter's configuration starts with
   * them.
   */
  default Map<String, Object> discriminators() {
    return Map.of();
  }

  /**
   * Returns the entries of {@code adapter_config.json} that users choose for a new adapter, the most important
   * first. Commands and forms offer them by these names.
   */
  List<Setting> settings();

  /** Reads a configuration; adds every fault that it finds to the given one. */
  C read(Configuration configuration);

  /**
   * Returns the configuration with what it leaves to the model filled in, such as the number of layers; the
   * same one if there is nothing. All that follows is asked about its result.
   *
   * @throws dev.graft.error.GraftException if the configuration was made for another model; names the field
   */
  default C resolved(C configuration, ModelOutline outline) {
    return configuration;
  }

  /**
   * Returns the configuration under which the adapter's effect is multiplied by a factor; empty if the method has
   * no scale.
   */
  default Optional<C> scaled(C configuration, double factor) {
    return Optional.empty();
  }

  /** Returns the method's entries of {@code adapter_config.json}, every one that Hugging Face writes. */
  Map<String, @Nullable Object> write(C configuration);

  /** Returns where the method acts. */
  Targets targets(C configuration);

  /** Returns what the method does at a site that its targets select; empty to leave the site alone. */
  Optional<Adapter> adapter(C configuration, Site site);

  /**
   * Tells whether a tensor of an adapter file that is none of the method's parameters only matters for training
   * elsewhere, so that the adapter acts the same without it. Any other is refused.
   *
   * @param key its key in the adapter file
   */
  default boolean ignores(String key) {
    return false;
  }

  /**
   * Returns parameters that all sites share.
   *
   * @param selected the sites at which the method has an adapter, in the model's order
   */
  default List<ParamSpec> shared(C configuration, ModelOutline outline, List<Site> selected) {
    return List.of();
  }

  /**
   * Builds the start value of a shared parameter declared as {@link Init.Derived}, unless an {@link
   * InputAdapter} does. It comes before the derived starts of sites, which may read it.
   *
   * @param base the layers of the base model
   * @param p the shared parameters
   */
  default Tensor initial(C configuration, String parameter, BaseLayers base, Params p) {
    throw new UnsupportedOperationException("no formula for the start of " + parameter);
  }

  /**
   * Builds a term that a training step adds to its loss, once a step however many batches it has, such as a
   * norm that is to stay small: a scalar in the type of {@link Params#full}. Empty if there is none. Losses of
   * an evaluation are without it.
   */
  default Optional<Tensor> penalty(C configuration, AdapterParams p) {
    return Optional.empty();
  }

  /**
   * Returns what becomes of parameters at the end of a training step, after the optimiser. Frozen ones may
   * change too, and so be a state of training, which checkpoints hold. A step that fails changes nothing.
   *
   * @param p gives the values that the optimiser has made
   */
  default List<ParamUpdate> afterStep(C configuration, StepParams p) {
    return List.of();
  }

  /** Returns how many positions the method puts before every sequence. */
  default int virtualTokens(C configuration) {
    return 0;
  }

  /**
   * Returns the tensors of the adapter file that differ from the parameters, by key: what a method stores of
   * parameters that only training needs. Those of a site are {@link Adapter#export}'s. Parameters whose names are in {@link Export#replaces} are not stored.
   */
  default Optional<Export> export(C configuration, Params p) {
    return Optional.empty();
  }

  /**
   * Says what is stored instead of parameters.
   *
   * @param tensors formulas by key
   * @param replaces names of the shared, or the site's, parameters that are left out of the adapter file
   */
  record Export(Map<String, Tensor> tensors, List<String> replaces) {}

  /**
   * Returns the configuration under which a stored adapter runs; differs where training needs parameters that
   * are not stored.
   */
  default C forInference(C configuration) {
    return configuration;
  }

  /** Returns the names of the ways in which {@link #combine} makes one adapter of several. */
  default Set<String> combinations() {
    return Set.of();
  }

  /**
   * Makes one adapter of several.
   *
   * @param way one of {@link #combinations}
   * @param parts one or more
   * @param options settings of the way; faults are added to it
   * @throws dev.graft.error.GraftException if the parts do not go together; says which and why
   */
  default Combined<C> combine(String way, List<Part<C>> parts, Configuration options) {
    throw new UnsupportedOperationException(id() + " combines no adapters");
  }

  /**
   * Holds an adapter that takes part in a combination.
   *
   * @param name shown in errors
   * @param weight what it counts, of either sign
   * @param configuration its settings, fitted to the model
   * @param tensors F32 or F64 values by the site's name and the parameter's; shared ones under the name ""
   */
  record Part<C>(String name, double weight, C configuration, Map<String, Map<String, HostTensor>> tensors) {}

  /**
   * Holds the adapter that a combination makes.
   *
   * @param configuration its settings
   * @param tensors F32 or F64 values by the site's name and the parameter's; shared ones under the name ""
   */
  record Combined<C>(C configuration, Map<String, Map<String, HostTensor>> tensors) {}
}
