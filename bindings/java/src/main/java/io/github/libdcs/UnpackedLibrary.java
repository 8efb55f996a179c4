package io.github.libdcs;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URISyntaxException;
import java.net.URL;
import java.net.URLConnection;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Unpacks the library from the jar into a file, for as long as it takes to load it.
 *
 * <p>Each JVM has its own file with an unpredictable name. No JVM reads another's incomplete file, and no other user
 * can put a file in its place. A file remains if the JVM is killed, and on Windows, where a loaded file cannot be
 * deleted; a later JVM deletes it.
 */
final class UnpackedLibrary implements AutoCloseable {
    /** Names the only folder to unpack to, also for JNA's own library. */
    static final String FOLDER_PROPERTY = "dcs.library.tmpdir";

    private static final String JNA_FOLDER_PROPERTY = "jna.tmpdir";

    private static final String PREFIX = "libdcs-unpacked-";

    /** Unpacking and loading takes well below a second. */
    private static final Duration STALE_AFTER = Duration.ofMinutes(10);

    private final Path file;
    private final boolean temporary;

    private UnpackedLibrary(Path file, boolean temporary) {
        this.file = file;
        this.temporary = temporary;
    }

    /** Makes JNA unpack its library to the same folder, unless another is set for it or it has started already. */
    static void configureJna() {
        String folder = System.getProperty(FOLDER_PROPERTY);
        if (folder != null && !folder.isEmpty() && System.getProperty(JNA_FOLDER_PROPERTY) == null) {
            System.setProperty(JNA_FOLDER_PROPERTY, folder);
        }
    }

    /** Returns the folders to try, in this order, each with the setting that names it. */
    static Map<Path, String> folders() {
        Map<Path, String> folders = new LinkedHashMap<>();
        if (put(folders, System.getProperty(FOLDER_PROPERTY), "-D" + FOLDER_PROPERTY)) {
            return folders; // The caller named one folder, so no other is used.
        }
        put(folders, System.getProperty(JNA_FOLDER_PROPERTY), "-D" + JNA_FOLDER_PROPERTY);
        put(folders, System.getProperty("java.io.tmpdir"), "java.io.tmpdir");
        String cache = System.getenv("XDG_CACHE_HOME");
        // A relative one is to be ignored (XDG Base Directory Specification): it would be below the current folder.
        if (cache != null && Path.of(cache).isAbsolute()) {
            put(folders, cache + File.separator + "libdcs", "XDG_CACHE_HOME");
        } else {
            put(folders, System.getProperty("user.home") + File.separator + ".cache" + File.separator + "libdcs",
                    "user.home");
        }
        return folders;
    }

    private static boolean put(Map<Path, String> folders, String folder, String name) {
        if (folder == null || folder.isEmpty()) {
            return false;
        }
        folders.putIfAbsent(Path.of(folder).toAbsolutePath(), name);
        return true;
    }

    static UnpackedLibrary unpack(URL url, Path folder) throws IOException, URISyntaxException {
        if (url.getProtocol().equals("file")) { // Classes in a folder, as in a development environment.
            return new UnpackedLibrary(Path.of(url.toURI()), false);
        }
        String library = System.mapLibraryName("dcs");
        String suffix = library.substring(library.lastIndexOf('.'));
        Files.createDirectories(folder);
        deleteStale(folder, suffix);
        Path file = Files.createTempFile(folder, PREFIX, suffix);
        UnpackedLibrary unpacked = new UnpackedLibrary(file, true);
        try {
            URLConnection connection = url.openConnection();
            connection.setUseCaches(false); // A cached jar stays open, and could not be replaced on Windows.
            try (InputStream in = connection.getInputStream(); OutputStream out = Files.newOutputStream(file)) {
                in.transferTo(out);
            }
        } catch (IOException | RuntimeException e) {
            unpacked.close();
            throw e;
        }
        return unpacked;
    }

    Path file() {
        return file;
    }

    /** Deletes the file, which is no longer needed once loaded. At exit would be too late if the JVM is killed. */
    @Override
    public void close() {
        if (temporary) {
            file.toFile().delete();
        }
    }

    private static void deleteStale(Path folder, String suffix) {
        Instant before = Instant.now().minus(STALE_AFTER);
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, PREFIX + "*" + suffix)) {
            for (Path file : files) {
                if (Files.getLastModifiedTime(file).toInstant().isBefore(before)) {
                    file.toFile().delete(); // Fails for another user's file and for one still loaded (Windows).
                }
            }
        } catch (IOException | DirectoryIteratorException e) {
            // Another JVM was faster, or the folder cannot be listed. A later JVM deletes what remains.
            return;
        }
    }
}
