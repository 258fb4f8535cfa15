package dev.graft.spi;

import dev.graft.error.GraftException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.JarURLConnection;
import java.net.URL;
import java.net.URLConnection;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.jar.JarFile;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import java.util.zip.CheckedInputStream;
import org.apiguardian.api.API;

/**
 * Unpacks native libraries from jars into a folder that nobody but the user, or the system's administrator,
 * can write to: what lies there is run.
 *
 * <p>
 * A library that was cut short or changed is unpacked again. Nothing is left behind by a process that is killed
 * while it unpacks, once the next one does.
 */
@API(status = API.Status.EXPERIMENTAL, since = "0.1")
public final class LibraryFolder {
  private static final String LOCK = ".lock";
  private static final String DRAFT = ".unpacking";
  /** States size, time of change and checksum of every file, so that only changed ones are read again. */
  private static final String LIST = "unpacked.txt";
  private static final Set<PosixFilePermission> OWN = PosixFilePermissions.fromString("rwx------");
  private static final long ROOT_USER = 0;

  private final Path root;

  private LibraryFolder(Path root) {
    this.root = root.toAbsolutePath();
  }

  /**
   * A library as its jar holds it.
   *
   * @param bytes its size
   * @param checksum its CRC-32
   */
  private record Library(URL url, long bytes, long checksum) {
    static Library of(URL url) throws IOException {
      URLConnection connection = url.openConnection();
      connection.setUseCaches(false);
      if (connection instanceof JarURLConnection jar) {
        try (JarFile _ = jar.getJarFile()) {
          return new Library(url, jar.getJarEntry().getSize(), jar.getJarEntry().getCrc());
        }
      }
      try (InputStream in = connection.getInputStream()) {
        CheckedInputStream checked = new CheckedInputStream(in, new CRC32());
        long bytes = checked.transferTo(OutputStream.nullOutputStream());
        return new Library(url, bytes, checked.getChecksum().getValue());
      }
    }

    InputStream open() throws IOException {
      URLConnection connection = url.openConnection();
      connection.setUseCaches(false);
      return connection.getInputStream();
    }
  }

  /**
   * Opens the user's folder: {@code graft} in {@code XDG_CACHE_HOME} or in {@code .cache} of the home folder,
   * or, where there is no home that can be written to, one of the user's own in the folder for temporary files.
   * It is made if it is not there.
   *
   * @throws GraftException if the folder cannot be made, or others can write to it
   */
  public static LibraryFolder ofUser() {
    String cache = System.getenv("XDG_CACHE_HOME");
    Path home = Path.of(System.getProperty("user.home"));
    if (cache != null && !cache.isBlank()) {
      return of(Path.of(cache).resolve("graft"));
    }
    return Files.isDirectory(home) && Files.isWritable(home)
        ? of(home.resolve(".cache").resolve("graft"))
        : of(Path.of(System.getProperty("java.io.tmpdir"))
            .resolve("graft-" + user().map(String::valueOf).orElse(System.getProperty("user.name"))));
  }

  /**
   * Opens a folder, and makes it if it is not there.
   *
   * @throws GraftException if the folder cannot be made, or others can write to it
   */
  public static LibraryFolder of(Path root) {
    try {
      makeFolder(root.toAbsolutePath());
      check(root);
    } catch (IOException e) {
      throw new GraftException(
          "The folder " + root + ", which native libraries are unpacked to, cannot be made"
              + " or read (" + e.getClass().getSimpleName() + ": " + e.getMessage()
              + "): set XDG_CACHE_HOME to a folder that you can write to",
          e);
    }
    return new LibraryFolder(root);
  }

  /** Returns the folder's path. */
  public Path path() {
    return root;
  }

  /**
   * Unpacks libraries, unless they are there already.
   *
   * @param name of the folder below this one, of one or more parts; it should tell the libraries' version
   * @param libraries where they come from, by file name
   * @return the folder that holds them
   * @throws GraftException if the folder cannot be written, or others can write to it; names it
   */
  public Path unpack(String name, Map<String, URL> libraries) {
    Path folder = root.resolve(name);
    try {
      Map<String, Library> wanted = new TreeMap<>();
      for (Map.Entry<String, URL> library : libraries.entrySet()) {
        wanted.put(library.getKey(), Library.of(library.getValue()));
      }
      // One process has its lock for all threads, so threads wait for each other here.
      synchronized (LibraryFolder.class) {
        if (!isWhole(folder, wanted)) {
          unpack(folder, wanted);
        }
      }
      return folder;
    } catch (IOException e) {
      throw new GraftException("Native libraries cannot be unpacked to " + folder + " ("
          + e.getClass().getSimpleName() + ": " + e.getMessage()
          + "): make room there or delete that folder, or set XDG_CACHE_HOME to another one", e);
    }
  }

  private void unpack(Path folder, Map<String, Library> libraries) throws IOException {
    Path parent = Objects.requireNonNull(folder.getParent());
    makeFolder(parent);
    try (
        FileChannel channel = FileChannel.open(root.resolve(LOCK), StandardOpenOption.CREATE,
            StandardOpenOption.WRITE);
        FileLock _ = channel.lock()) {
      if (isWhole(folder, libraries)) {
        return;
      }
      // Whoever holds the lock is alone, so what is half unpacked belongs to processes that are gone.
      for (Path left : list(parent)) {
        if (left.getFileName().toString().endsWith(DRAFT)) {
          delete(left);
        }
      }
      Path draft = folder.resolveSibling(folder.getFileName() + DRAFT);
      makeFolder(draft);
      for (Map.Entry<String, Library> library : libraries.entrySet()) {
        write(library.getValue(), draft.resolve(library.getKey()));
      }
      Files.write(draft.resolve(LIST), listing(draft, libraries));
      delete(folder);
      Files.move(draft, folder, StandardCopyOption.ATOMIC_MOVE);
    }
  }

  private static void write(Library library, Path file) throws IOException {
    try (InputStream in = library.open();
        FileChannel out = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      in.transferTo(Channels.newOutputStream(out));
      out.force(true);
    }
    if (posix()) {
      Files.setPosixFilePermissions(file, OWN);
    }
  }

  /** Tells whether every library lies in a folder as its jar holds it, in files that only the user writes. */
  private boolean isWhole(Path folder, Map<String, Library> libraries) throws IOException {
    if (!Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)) {
      return false;
    }
    for (Path at = folder; !at.equals(root); at = Objects.requireNonNull(at.getParent())) {
      check(at);
    }
    for (Map.Entry<String, Library> library : libraries.entrySet()) {
      Path file = folder.resolve(library.getKey());
      if (!Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)
          || Files.size(file) != library.getValue().bytes()) {
        return false;
      }
      check(file);
    }
    Path list = folder.resolve(LIST);
    List<String> listing = listing(folder, libraries);
    if (Files.isRegularFile(list) && Files.readAllLines(list).equals(listing)) {
      return true;
    }
    for (Map.Entry<String, Library> library : libraries.entrySet()) {
      if (checksum(folder.resolve(library.getKey())) != library.getValue().checksum()) {
        return false;
      }
    }
    if (Files.isWritable(folder)) {
      Files.write(list, listing);
    }
    return true;
  }

  private static List<String> listing(Path folder, Map<String, Library> libraries) throws IOException {
    List<String> lines = new ArrayList<>();
    for (Map.Entry<String, Library> library : libraries.entrySet()) {
      Path file = folder.resolve(library.getKey());
      lines.add(library.getKey() + " " + Files.size(file) + " " + Files.getLastModifiedTime(file) + " "
          + Long.toHexString(library.getValue().checksum()));
    }
    return lines;
  }

  private static long checksum(Path file) throws IOException {
    CheckedInputStream checked = new CheckedInputStream(Files.newInputStream(file), new CRC32());
    try (checked) {
      checked.transferTo(OutputStream.nullOutputStream());
    }
    return checked.getChecksum().getValue();
  }

  /** Makes a folder, and those above it, that only the user can enter. */
  private static void makeFolder(Path folder) throws IOException {
    if (Files.isDirectory(folder)) {
      return;
    }
    Path parent = folder.getParent();
    if (parent != null) {
      makeFolder(parent);
    }
    try {
      Files.createDirectory(folder,
          posix()
              ? new FileAttribute<?>[]{PosixFilePermissions.asFileAttribute(OWN)}
              : new FileAttribute<?>[0]);
    } catch (FileAlreadyExistsException e) {
      if (!Files.isDirectory(folder)) {
        throw e;
      }
    }
  }

  /** Requires that nobody but the user or the administrator can change what lies at a path. */
  private static void check(Path path) throws IOException {
    if (!posix()) {
      return;
    }
    long owner = ((Number) Files.getAttribute(path, "unix:uid")).longValue();
    Optional<Long> user = user();
    if (owner != ROOT_USER && user.isPresent() && owner != user.get()) {
      throw new GraftException(path + " belongs to another user (" + Files.getOwner(path)
          + "), so native libraries in it are not run: set XDG_CACHE_HOME to a folder of your own");
    }
    Set<PosixFilePermission> mode = Files.getPosixFilePermissions(path);
    if (mode.contains(PosixFilePermission.GROUP_WRITE) || mode.contains(PosixFilePermission.OTHERS_WRITE)) {
      throw new GraftException("Others can write to " + path + ", so native libraries in it are not run: take"
          + " that right away (chmod go-w " + path + "), or set XDG_CACHE_HOME to a folder of your own");
    }
  }

  /** Returns the number of the user whom this process runs for; empty where the system does not tell. */
  private static Optional<Long> user() {
    if (!posix()) {
      return Optional.empty();
    }
    try {
      Path self = Path.of("/proc/self");
      if (Files.exists(self)) {
        return Optional.of(((Number) Files.getAttribute(self, "unix:uid")).longValue());
      }
      Path probe = Files.createTempFile("graft", ".probe");
      try {
        return Optional.of(((Number) Files.getAttribute(probe, "unix:uid")).longValue());
      } finally {
        Files.delete(probe);
      }
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  private static boolean posix() {
    return FileSystems.getDefault().supportedFileAttributeViews().contains("unix");
  }

  private static List<Path> list(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.toList();
    }
  }

  private static void delete(Path path) throws IOException {
    if (Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
      try (Stream<Path> inside = Files.walk(path)) {
        for (Path file : inside.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(file);
        }
      }
    }
  }
}
