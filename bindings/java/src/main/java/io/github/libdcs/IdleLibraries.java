package io.github.libdcs;

import java.io.IOException;
import java.net.JarURLConnection;
import java.net.URL;
import java.net.URLConnection;
import java.nio.file.Path;
import java.util.Properties;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;

/**
 * Passes a library that is in memory and no longer used on to the next class loader. A library is never unloaded, so each
 * redeployment of an application would otherwise add a copy. The loaders share only the classes of Java, and so the list
 * is a system property for each content of a library.
 */
final class IdleLibraries {
    private static final String PROPERTY = "io.github.libdcs.idle.";
    private static final String SEPARATOR = "\n";

    private IdleLibraries() {
    }

    /** Returns a name for the content of a library in a jar, which is the same for every copy of that jar. */
    static String identify(URL library) throws IOException {
        URLConnection connection = library.openConnection();
        connection.setUseCaches(false);
        if (!(connection instanceof JarURLConnection)) {
            return library.toString();
        }
        try (JarFile jar = ((JarURLConnection) connection).getJarFile()) {
            JarEntry entry = jar.getJarEntry(((JarURLConnection) connection).getEntryName());
            return entry.getSize() + "-" + Long.toHexString(entry.getCrc());
        }
    }

    /** Adds a library that is not used any more. */
    static void add(String content, Path file) {
        Properties shared = System.getProperties();
        synchronized (shared) {
            String files = shared.getProperty(PROPERTY + content);
            shared.setProperty(PROPERTY + content, files == null ? file.toString() : files + SEPARATOR + file);
        }
    }

    /** Removes a library and returns the name of its file, which is deleted; null if there is none. */
    static Path take(String content) {
        Properties shared = System.getProperties();
        synchronized (shared) {
            String files = shared.getProperty(PROPERTY + content);
            if (files == null) {
                return null;
            }
            int last = files.lastIndexOf(SEPARATOR);
            if (last < 0) {
                shared.remove(PROPERTY + content);
            } else {
                shared.setProperty(PROPERTY + content, files.substring(0, last));
            }
            return Path.of(files.substring(last + 1));
        }
    }
}
