package dev.graft.compiler.pass;

import dev.graft.graph.Graph;
import dev.graft.graph.Primitive;
import dev.graft.graph.Tensor;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;

/**
 * Keeps to the order given, but first runs what is ready and frees at least as much memory as it needs.
 *
 * <p>
 * A value whose remaining readers are all ready can be freed by running them: each is credited with its
 * share. Values with more than {@value #SHARED} remaining readers are credited to none, which bounds the work.
 */
final class FreeingOrder {
  private static final int SHARED = 8;

  private record Offer(int position, long gain) {}

  private final List<Tensor> schedule;
  private final Storages storages;
  private final Dependencies dependencies;
  private final int[][] readers;
  private final int[] unread;
  private final int[] unready;
  private final boolean[] done;
  private final long[] gains;
  private final PriorityQueue<Offer> offers = new PriorityQueue<>(
      Comparator.comparingLong(Offer::gain).reversed().thenComparingInt(Offer::position));

  FreeingOrder(Graph graph) {
    schedule = graph.schedule();
    storages = new Storages(graph);
    dependencies = new Dependencies(graph);
    readers = storages.readers();
    unread = new int[readers.length];
    unready = new int[readers.length];
    for (int storage = 0; storage < readers.length; storage++) {
      unread[storage] = readers[storage].length;
      unready[storage] = readers[storage].length;
    }
    done = new boolean[schedule.size()];
    gains = new long[schedule.size()];
  }

  List<Tensor> nodes() {
    List<Tensor> order = new ArrayList<>(schedule.size());
    // Numbers cost nothing, and what only waits for one can be brought forward.
    for (int position = 0; position < schedule.size(); position++) {
      if (isNumber(schedule.get(position))) {
        order.add(schedule.get(position));
        run(position);
      }
    }
    int next = 0;
    while (order.size() < schedule.size()) {
      int position = bestOffer();
      if (position < 0) {
        while (done[next]) {
          next++;
        }
        position = next;
      }
      order.add(schedule.get(position));
      run(position);
    }
    return order;
  }

  private static boolean isNumber(Tensor node) {
    return node.op() instanceof Primitive.Fill && node.shape().size() == 1;
  }

  /** Returns the node to bring forward, or -1 for none. */
  private int bestOffer() {
    while (!offers.isEmpty()) {
      Offer offer = offers.remove();
      if (!done[offer.position()] && gains[offer.position()] == offer.gain()) {
        return offer.position();
      }
    }
    return -1;
  }

  private void run(int position) {
    done[position] = true;
    for (int storage : storages.reads(position)) {
      unread[storage]--;
      reconsiderReaders(storage);
    }
    dependencies.ran(position, user -> {
      for (int storage : storages.reads(user)) {
        unready[storage]--;
      }
      for (int storage : storages.reads(user)) {
        reconsiderReaders(storage);
      }
      offer(user);
    });
  }

  private void reconsiderReaders(int storage) {
    if (unready[storage] == 0 && unread[storage] <= SHARED && !storages.isKept(storage)) {
      for (int reader : readers[storage]) {
        if (!done[reader]) {
          offer(reader);
        }
      }
    }
  }

  private void offer(int position) {
    long gain = -storages.writtenBytes(position);
    for (int storage : storages.reads(position)) {
      if (unready[storage] == 0 && unread[storage] <= SHARED && !storages.isKept(storage)) {
        gain += storages.bytes(storage) / unread[storage];
      }
    }
    gains[position] = gain;
    if (gain >= 0) {
      offers.add(new Offer(position, gain));
    }
  }
}
