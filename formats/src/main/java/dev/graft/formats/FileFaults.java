package dev.graft.formats;

import dev.graft.error.GraftException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** Makes exceptions of what the file system refuses. */
final class FileFaults {
  private FileFaults() {
  }

  static GraftException reading(Path file, IOException e) {
    return switch (e) {
      case NoSuchFileException _ -> new GraftException(file + " is missing: there is no such file", e);
      case AccessDeniedException _ ->
        new GraftException(file + " cannot be read: check its permissions", e);
      default -> new GraftException(file + " cannot be read: " + reason(e), e);
    };
  }

  static GraftException writing(Path file, IOException e) {
    return switch (e) {
      case AccessDeniedException _ ->
        new GraftException(file + " cannot be written: check the permissions of its folder", e);
      default -> new GraftException(
          file + " cannot be written: " + reason(e) + ". What was there before is unchanged.", e);
    };
  }

  private static String reason(IOException e) {
    if (e instanceof FileSystemException f && f.getReason() != null) {
      return f.getReason();
    }
    return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
  }
}
