package dev.graft.spi;

import java.util.List;
import org.apiguardian.api.API;

/** Gives a formula over a whole adapter its parameters. There is no dropout in it. */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public interface AdapterParams {
  /** Returns the adapted sites in the model's order. */
  List<Site> sites();

  /** Returns the parameters of one of the {@link #sites}, the shared ones among them. */
  Params at(Site site);

  /** Returns the parameters that all sites share. */
  Params shared();
}
