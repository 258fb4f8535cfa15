package dev.graft.core.attach;

import dev.graft.error.GraftException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Finds an adapter's tensors in a file whose keys may have parts that PEFT drops on saving: the adapter's name,
 * as in {@code lora_A.default.weight}, and the wrappers of {@code torch.compile}, of data-parallel training and
 * of PEFT itself, as in {@code base_model.model._orig_mod.model…}.
 */
final class StoredKeys {
  private static final String PREFIX = "base_model.model.";
  /** Modules that wrap another one without a meaning of their own, wherever they stand. */
  private static final Set<String> WRAPPERS = Set.of("_orig_mod", "_fsdp_wrapped_module",
      "_checkpoint_wrapped_module", "_forward_module");
  private static final Set<String> PARAMETERS = Set.of("weight", "bias");
  private static final String SAVED = "modules_to_save";
  private static final String ORIGINAL = "original_module";

  private final Set<String> own;
  private final Set<String> copies;
  private final Map<String, String> found = new LinkedHashMap<>();
  private final List<String> unexpected = new ArrayList<>();

  /**
   * Sorts the keys of a file.
   *
   * @param names keys in the file
   * @param own keys that the adapter's tensors have
   * @param copies keys that copies of base tensors have
   * @param origin what error messages call the file
   * @throws GraftException if two tensors stand for the same one of the adapter
   */
  StoredKeys(Set<String> names, Set<String> own, Set<String> copies, String origin) {
    this.own = own;
    this.copies = copies;
    names.stream().filter(this::isKnown).forEach(name -> found.put(name, name));
    for (String name : names) {
      if (!isKnown(name)) {
        List<String> segments = unwrapped(name);
        boolean copy = segments.contains(SAVED) || segments.contains(ORIGINAL);
        String key = key(segments);
        if (key.isEmpty()) {
          unexpected.add(name);
        } else if (!segments.contains(ORIGINAL)) {
          String other = found.putIfAbsent(key, name);
          // PEFT writes a saved module once more under its wrapper if it is asked for the embeddings.
          if (other != null && !copy) {
            throw new GraftException(origin + " holds the tensor " + key + " twice, as " + other + " and as "
                + name + ", like a file of several adapters. Save each adapter to a folder of its own");
          }
        }
      }
    }
  }

  private boolean isKnown(String key) {
    return own.contains(key) || copies.contains(key);
  }

  /** Returns the key in the file of each of the adapter's keys that is there. */
  Map<String, String> found() {
    return Collections.unmodifiableMap(found);
  }

  /** Returns the keys in the file that are none of the adapter's. */
  List<String> unexpected() {
    return Collections.unmodifiableList(unexpected);
  }

  private static List<String> unwrapped(String name) {
    List<String> segments = new ArrayList<>(Arrays.asList(name.split("\\.", -1)));
    segments.removeAll(WRAPPERS);
    return segments;
  }

  /** Returns the adapter's key for one of the file; empty if there is none. */
  private String key(List<String> segments) {
    for (String candidate : candidates(String.join(".", segments))) {
      if (isKnown(candidate)) {
        return candidate;
      }
      for (String variant : variants(candidate)) {
        if (own.contains(variant)) {
          return variant;
        }
      }
    }
    return "";
  }

  private static Set<String> candidates(String name) {
    String bare = name;
    for (String rest = ""; !rest.equals(bare);) {
      rest = bare;
      bare = withoutStart(withoutStart(bare, "module."), PREFIX);
    }
    return new LinkedHashSet<>(Arrays.asList(name, PREFIX + bare, bare));
  }

  private static String withoutStart(String name, String start) {
    return name.startsWith(start) ? name.substring(start.length()) : name;
  }

  /** Returns what a key can be without an adapter's name and PEFT's wrapper of saved modules. */
  private static Set<String> variants(String name) {
    Set<String> variants = new LinkedHashSet<>();
    List<String> segments = List.of(name.split("\\.", -1));
    for (String wrapper : List.of(SAVED, ORIGINAL)) {
      int at = segments.indexOf(wrapper);
      if (at >= 0) {
        variants.add(without(segments, at, at + 1));
        // In memory the adapter's name follows.
        variants.add(without(segments, at, Math.min(segments.size(), at + 2)));
      }
    }
    int last = segments.size() - 1;
    if (last > 1) {
      variants.add(without(segments, last - 1, last));
      if (!PARAMETERS.contains(segments.get(last - 1))) {
        // A plain tensor is followed by the name alone; DoRA's magnitude is a module in memory.
        variants.add(without(segments, last, last + 1));
        variants.add(without(segments, last - 1, last + 1));
      }
      // Before PEFT wrapped layers, a trained bias lay in the layer itself.
      variants.add(String.join(".", segments.subList(0, last)) + ".base_layer." + segments.get(last));
    }
    return variants;
  }

  private static String without(List<String> segments, int from, int to) {
    List<String> left = new ArrayList<>(segments);
    left.subList(from, to).clear();
    return String.join(".", left);
  }
}
