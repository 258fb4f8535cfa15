package dev.graft.core.graphs;

import dev.graft.core.attach.RandomStream;
import dev.graft.graph.DType;
import dev.graft.graph.Shape;
import dev.graft.graph.Tensor;
import dev.graft.spi.Init;
import dev.graft.spi.Params;

/**
 * Gives the formula of a start its parameters, and random numbers.
 *
 * @param seed of the run
 * @param place the site's name; empty for shared parameters
 * @param type in which parameters are held
 */
record StartParams(Params parameters, long seed, String place, DType type) implements Params {
  @Override
  public Tensor get(String name) {
    return parameters.get(name);
  }

  @Override
  public Tensor full(String name) {
    return parameters.full(name);
  }

  @Override
  public Tensor dropout(Tensor x, double rate) {
    return x;
  }

  @Override
  public Tensor draw(String name, Init numbers, Shape shape) {
    return Tensor.constant(new RandomStream(seed, "draw " + place + " " + name).fill(numbers, type, shape));
  }

  @Override
  public boolean training() {
    return false;
  }
}
