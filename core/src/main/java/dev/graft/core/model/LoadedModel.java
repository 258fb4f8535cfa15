package dev.graft.core.model;

import dev.graft.core.attach.AdapterWeights;
import dev.graft.core.attach.Attachment;
import dev.graft.core.files.AdapterFolder;
import dev.graft.core.files.ModelFolder;
import dev.graft.core.plugin.PluginCatalog;
import dev.graft.error.GraftException;
import dev.graft.graph.DType;
import dev.graft.graph.HostTensor;
import dev.graft.spi.CausalModel;
import dev.graft.spi.Configuration;
import dev.graft.spi.PeftMethod;
import java.nio.file.Path;
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
   * @throws GraftException if a file is faulty, no plug-in knows the method, or a tensor does not fit
   */
  public LoadedAdapter adapter(Path path, boolean training) {
    AdapterFolder adapter = AdapterFolder.open(path);
    try {
      Configuration json = new Configuration(path.resolve("adapter_config.json").toString(),
          adapter.config());
      PeftMethod<?> method = plugins.methodFor(json);
      Attachment attachment = new Attachment(method, json, base.outline(), training);
      Map<String, HostTensor> values = AdapterWeights.read(attachment, adapter,
          path.resolve("adapter_model.safetensors").toString(), name -> base.value(name, DType.F32));
      return new LoadedAdapter(attachment, values, adapter);
    } catch (RuntimeException e) {
      adapter.close();
      throw e;
    }
  }

  @Override
  public void close() {
    folder.close();
  }
}
