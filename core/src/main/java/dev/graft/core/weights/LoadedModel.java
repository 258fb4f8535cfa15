package dev.graft.core.weights;

import dev.graft.core.PluginCatalog;
import dev.graft.core.attach.AdapterWeights;
import dev.graft.core.attach.Attachment;
import dev.graft.error.GraftException;
import dev.graft.formats.AdapterFolder;
import dev.graft.formats.ModelFolder;
import dev.graft.formats.TensorSource;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.spi.CausalModel;
import dev.graft.spi.Configuration;
import dev.graft.spi.PeftMethod;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apiguardian.api.API;

/** Holds a model folder that is open, and the model in it. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class LoadedModel implements AutoCloseable {
  private final ModelFolder folder;
  private final BaseModel base;
  private final PluginCatalog plugins;

  private LoadedModel(ModelFolder folder, BaseModel base, PluginCatalog plugins) {
    this.folder = folder;
    this.base = base;
    this.plugins = plugins;
  }

  /** Holds an adapter that was read from its folder. */
  public record LoadedAdapter(Attachment attachment, Map<String, HostTensor> values, AdapterFolder folder)
      implements
        AutoCloseable {
    @Override
    public void close() {
      folder.close();
    }
  }

  /**
   * Opens a model.
   *
   * @throws GraftException if a file is faulty, no plug-in knows the architecture, or a tensor does not fit
   */
  public static LoadedModel open(Path path, PluginCatalog plugins) {
    ModelFolder folder = ModelFolder.open(path);
    try {
      Configuration config = new Configuration(path.resolve("config.json").toString(), folder.config());
      String type = config.text("model_type", "");
      if (type.isEmpty()) {
        throw new GraftException(config.source() + ": \"model_type\" is missing, so the architecture is"
            + " unknown");
      }
      CausalModel model = plugins.family(type).read(config);
      config.finish();
      return new LoadedModel(folder, new BaseModel(model, folder, plugins.quantizers()), plugins);
    } catch (RuntimeException e) {
      folder.close();
      throw e;
    }
  }

  /** Returns the folder. */
  public ModelFolder folder() {
    return folder;
  }

  /** Returns the model and its weights. */
  public BaseModel base() {
    return base;
  }

  /**
   * Opens another model by the same plug-ins.
   *
   * @throws GraftException as {@link #open(Path, PluginCatalog)}
   */
  public LoadedModel openOther(Path path) {
    return open(path, plugins);
  }

  /**
   * Opens an adapter of this model.
   *
   * @param training whether it is to be trained further
   * @throws GraftException if a file is faulty, no plug-in knows the method, a tensor does not fit, or
   * parameters that only training needs are asked for and missing
   */
  public LoadedAdapter adapter(Path path, boolean training) {
    AdapterFolder adapter = AdapterFolder.open(path);
    try {
      Map<String, ?> config = adapter.config();
      Configuration json = configuration(path, config);
      PeftMethod<?> method = plugins.methodFor(json);
      Attachment stored = new Attachment(method, json, base.outline(), false);
      String origin = path.resolve("adapter_model.safetensors").toString();
      Map<String, HostTensor> values = AdapterWeights.read(stored, adapter, origin, this::wide);
      if (!training) {
        return new LoadedAdapter(stored, values, adapter);
      }
      Attachment trained = new Attachment(method, configuration(path, config), base.outline(), true);
      if (trained.tensors().keySet().equals(stored.tensors().keySet())) {
        return new LoadedAdapter(trained, values, adapter);
      }
      return new LoadedAdapter(trained, trainingValues(trained, values, adapter), adapter);
    } catch (RuntimeException e) {
      adapter.close();
      throw e;
    }
  }

  private static Configuration configuration(Path path, Map<String, ?> config) {
    return new Configuration(path.resolve("adapter_config.json").toString(), config);
  }

  private HostTensor wide(String parameter) {
    return base.value(parameter, DType.F32);
  }

  /** Reads the parameters of training: those that are stored for use as well, and those kept beside them. */
  private Map<String, HostTensor> trainingValues(Attachment trained, Map<String, HostTensor> stored,
      AdapterFolder adapter) {
    TensorSource beside = adapter.training();
    Map<String, HostTensor> values = new LinkedHashMap<>(stored);
    values.keySet().retainAll(trained.tensors().keySet());
    beside.names().forEach(name -> values.put(name, beside.tensor(name)));
    return AdapterWeights.read(trained, TensorSource.of(values),
        adapter.path().resolve("graft_training.safetensors").toString(), this::wide);
  }

  @Override
  public void close() {
    folder.close();
  }
}
