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
 * The library of the jar as a file, for as long as it takes to load it.
 *
 * <p>Each JVM has a file of its own, with a name that nobody can foresee, so that none meets another's half-written
 * one and nobody else can put theirs in its place. What a JVM that was killed has left behind, or one on Windows,
 * where a loaded file cannot be removed, is removed by a later one.
 */
final class UnpackedLibrary implements AutoCloseable {
    /** Names the one folder to unpack to, for JNA's own library too. */
    static final String FOLDER_PROPERTY = "dcs.library.tmpdir";

    private static final String JNA_FOLDER_PROPERTY = "jna.tmpdir";

    private static final String PREFIX = "libdcs-unpacked-";

    /** To unpack and load takes well below a second. */
    private static final Duration LEFT_BEHIND = Duration.ofMinutes(10);

    private final Path file;
    private final boolean ours;

    private UnpackedLibrary(Path file, boolean ours) {
        this.file = file;
        this.ours = ours;
    }

    /** Has JNA unpack to the same folder, unless it was told another or has started already. */
    static void tellJna() {
        String folder = System.getProperty(FOLDER_PROPERTY);
        if (folder != null && !folder.isEmpty() && System.getProperty(JNA_FOLDER_PROPERTY) == null) {
            System.setProperty(JNA_FOLDER_PROPERTY, folder);
        }
    }

    /** The folders to try, in this order, each with what names it. */
    static Map<Path, String> folders() {
        Map<Path, String> folders = new LinkedHashMap<>();
        if (put(folders, System.getProperty(FOLDER_PROPERTY), "-D" + FOLDER_PROPERTY)) {
            return folders; // Who names a folder wants that one.
        }
        put(folders, System.getProperty(JNA_FOLDER_PROPERTY), "-D" + JNA_FOLDER_PROPERTY);
        put(folders, System.getProperty("java.io.tmpdir"), "java.io.tmpdir");
        String cache = System.getenv("XDG_CACHE_HOME");
        if (cache != null && !cache.isEmpty()) {
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

    static UnpackedLibrary of(URL url, Path folder) throws IOException, URISyntaxException {
        if (url.getProtocol().equals("file")) { // Classes in a folder, as a development environment has them.
            return new UnpackedLibrary(Path.of(url.toURI()), false);
        }
        String library = System.mapLibraryName("dcs");
        String suffix = library.substring(library.lastIndexOf('.'));
        Files.createDirectories(folder);
        removeLeftBehind(folder, suffix);
        Path file = Files.createTempFile(folder, PREFIX, suffix);
        UnpackedLibrary unpacked = new UnpackedLibrary(file, true);
        try {
            URLConnection connection = url.openConnection();
            connection.setUseCaches(false); // The jar would stay open, and on Windows could not be replaced.
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

    /** Loaded, the file is no longer needed; to remove it at the end of the JVM would be too late for one killed. */
    @Override
    public void close() {
        if (ours) {
            file.toFile().delete();
        }
    }

    private static void removeLeftBehind(Path folder, String suffix) {
        Instant before = Instant.now().minus(LEFT_BEHIND);
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, PREFIX + "*" + suffix)) {
            for (Path file : files) {
                if (Files.getLastModifiedTime(file).toInstant().isBefore(before)) {
                    file.toFile().delete(); // Unless it is somebody else's, or still loaded (Windows).
                }
            }
        } catch (IOException | DirectoryIteratorException e) {
            // Another JVM was faster, or the folder cannot be listed; what is there is removed another time.
            return;
        }
    }
}
