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
import dev.graft.spi.Quantizer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
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
      return new LoadedModel(folder, base(model, folder, plugins.quantizers()), plugins);
    } catch (GraftException e) {
      folder.close();
      throw naming(path, e);
    } catch (RuntimeException | Error e) {
      folder.close();
      throw e;
    }
  }

  private static BaseModel base(CausalModel model, ModelFolder folder, List<Quantizer> quantizers) {
    try {
      return new BaseModel(model, folder, quantizers);
    } catch (GraftException e) {
      String reason = ForeignQuantization.explain(folder.config(), folder.names(), quantizers)
          .orElseThrow(() -> e);
      throw new GraftException(folder.path() + ": " + reason + ". The first sign: " + e.getMessage(), e);
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

  /** Returns what its user should know of how the folder is read. */
  public List<String> notes() {
    List<String> notes = new ArrayList<>();
    base.notes().forEach(note -> notes.add(folder.path() + ": " + note));
    ForeignQuantization.method(folder.config()).filter(_ -> base.quantized().isEmpty())
        .ifPresent(method -> notes.add(folder.path() + ": config.json says that the model is quantised by "
            + method + ", but its weights are not; they are used as they are."));
    return notes;
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
      Attachment used = new Attachment(method, json, base.outline(), false);
      String origin = path.resolve("adapter_model.safetensors").toString();
      AdapterWeights.Stored stored = AdapterWeights.read(used, adapter, origin, this::wide);
      if (!training) {
        return new LoadedAdapter(stored.attachment(), stored.values(), adapter);
      }
      Attachment trained = new Attachment(method, configuration(path, config), base.outline(), true);
      if (trained.tensors().keySet().equals(used.tensors().keySet())) {
        stored = AdapterWeights.read(trained, adapter, origin, this::wide);
      } else {
        stored = trainingValues(trained, stored.values(), adapter);
      }
      return new LoadedAdapter(stored.attachment(), stored.values(), adapter);
    } catch (GraftException e) {
      adapter.close();
      throw naming(path, e);
    } catch (RuntimeException | Error e) {
      adapter.close();
      throw e;
    }
  }

  /** Puts the folder before a message that does not name what lies in it. */
  private static GraftException naming(Path folder, GraftException e) {
    String message = String.valueOf(e.getMessage());
    return message.contains(folder.toString()) ? e : new GraftException(folder + ": " + message, e);
  }

  private static Configuration configuration(Path path, Map<String, ?> config) {
    return Configuration.stored(path.resolve("adapter_config.json").toString(), config);
  }

  private HostTensor wide(String parameter) {
    return base.value(parameter, DType.F32);
  }

  /** Reads the parameters of training: those that are stored for use as well, and those kept beside them. */
  private AdapterWeights.Stored trainingValues(Attachment trained, Map<String, HostTensor> stored,
      AdapterFolder adapter) {
    TensorSource beside = adapter.training();
    Map<String, HostTensor> values = new LinkedHashMap<>(stored);
    Set<String> kept = new HashSet<>(trained.tensors().keySet());
    kept.addAll(trained.baseCopies().keySet());
    values.keySet().retainAll(kept);
    beside.names().forEach(name -> values.put(name, beside.tensor(name)));
    return AdapterWeights.read(trained, TensorSource.of(values),
        adapter.path().resolve("graft_training.safetensors").toString(), this::wide);
  }

  @Override
  public void close() {
    folder.close();
  }
}
