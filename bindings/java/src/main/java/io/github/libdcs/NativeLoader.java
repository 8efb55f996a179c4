package io.github.libdcs;

import com.sun.jna.Function;
import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Platform;
import java.io.IOException;
import java.io.InputStream;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.CodeSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;

/**
 * Loads the native library, checks its ABI version, and binds {@link LibDcs} to it.
 *
 * <p>The library is the file that {@code -Ddcs.library.path} names, otherwise the one in the jar. The system is not
 * searched, so that a libdcs of another version is never loaded by accident.
 */
final class NativeLoader {
    /** The value of {@code dcs_abi_version()} that this binding is written for. */
    static final int ABI_VERSION = 1;

    static final String PATH_PROPERTY = "dcs.library.path";

    private static final DcsLoadException FAILURE = load();

    private NativeLoader() {
    }

    /**
     * Loads the library at the first call.
     *
     * @throws DcsLoadException if it cannot be loaded, at every call and with the first failure's message and cause.
     *     (An exception from a static initializer would become a NoClassDefFoundError from the second call on.)
     */
    static void require() {
        if (FAILURE != null) {
            // A new one each time, so that the stack trace is the caller's.
            throw new DcsLoadException(FAILURE.getMessage(), FAILURE.getCause());
        }
    }

    private static DcsLoadException load() {
        DcsLoadException jnaFailure = JnaCheck.start();
        if (jnaFailure != null) {
            return jnaFailure;
        }
        String path = System.getProperty(PATH_PROPERTY);
        return path == null || path.isEmpty() ? loadFromJar() : loadFromPath(path);
    }

    private static DcsLoadException loadFromPath(String path) {
        String tried = "-D" + PATH_PROPERTY + "=" + path;
        try {
            Path file = Path.of(path).toAbsolutePath();
            if (Files.isDirectory(file)) {
                file = file.resolve(System.mapLibraryName("dcs"));
                tried += " (" + file + ")";
            }
            String problem = LibraryFileCheck.findProblem(file);
            if (problem != null) {
                throw new IOException(problem);
            }
            bind(file);
            return null;
        } catch (IOException | IncompatibleLibraryException | RuntimeException | LinkageError e) {
            return failure(List.of(tried + ": " + LibraryFileCheck.reason(e)), e,
                    "Set -D" + PATH_PROPERTY + " to the library's file or its folder, or remove it.");
        }
    }

    private static DcsLoadException loadFromJar() {
        String resource = "/" + Platform.RESOURCE_PREFIX + "/" + System.mapLibraryName("dcs");
        URL url = NativeLoader.class.getResource(resource);
        if (url == null) {
            return failure(List.of(location() + ": no entry " + resource), new NoSuchFileException(resource),
                    "Use a libdcs jar built for this platform (" + Platform.RESOURCE_PREFIX
                    + "), or name a library file with -D" + PATH_PROPERTY + "=FILE.");
        }
        List<String> tried = new ArrayList<>();
        Throwable cause = null;
        for (Map.Entry<Path, String> folder : UnpackedLibrary.folders().entrySet()) {
            String place = url + " in " + folder.getKey() + " (" + folder.getValue() + ")";
            try (UnpackedLibrary unpacked = UnpackedLibrary.unpack(url, folder.getKey())) {
                bind(unpacked.file());
                return null;
            } catch (IOException | IncompatibleLibraryException | URISyntaxException | RuntimeException
                    | LinkageError e) {
                // Another folder may be writable and not mounted noexec.
                tried.add(place + ": " + LibraryFileCheck.reason(e));
                cause = cause == null ? e : cause;
            }
        }
        return failure(tried, cause, "Name a writable folder that is not mounted noexec with -D"
                + UnpackedLibrary.FOLDER_PROPERTY + "=FOLDER, or a library file with -D" + PATH_PROPERTY + "=FILE.");
    }

    private static void bind(Path file) throws IncompatibleLibraryException {
        NativeLibrary library = NativeLibrary.getInstance(file.toString());
        boolean bound = false;
        try {
            // Checked first: a library of another ABI may have the same symbols.
            int abi = function(library, "dcs_abi_version").invokeInt(new Object[0]);
            if (abi != ABI_VERSION) {
                throw new IncompatibleLibraryException(version(library) + " has ABI version "
                        + Integer.toUnsignedString(abi) + ", but this jar" + ownVersion() + " needs ABI version "
                        + ABI_VERSION);
            }
            try {
                Native.register(LibDcs.class, library);
            } catch (UnsatisfiedLinkError e) {
                throw new IncompatibleLibraryException(
                        version(library) + " is older than this jar" + ownVersion() + ": " + e.getMessage());
            }
            bound = true;
        } finally {
            if (!bound) {
                library.close();
            }
        }
    }

    private static Function function(NativeLibrary library, String name) throws IncompatibleLibraryException {
        try {
            return library.getFunction(name);
        } catch (UnsatisfiedLinkError e) {
            throw new IncompatibleLibraryException("not libdcs: it has no function " + name);
        }
    }

    private static String version(NativeLibrary library) {
        try {
            return "libdcs " + function(library, "dcs_version").invokeString(new Object[0], false);
        } catch (IncompatibleLibraryException e) {
            return "libdcs of unknown version";
        }
    }

    /** Returns the version of this jar in parentheses, or "" if it has none. */
    private static String ownVersion() {
        Properties properties = new Properties();
        String resource = "/META-INF/maven/io.github.libdcs/libdcs/pom.properties";
        try (InputStream in = NativeLoader.class.getResourceAsStream(resource)) {
            if (in != null) {
                properties.load(in);
            }
        } catch (IOException e) {
            return "";
        }
        String version = properties.getProperty("version");
        return version == null ? "" : " (" + version + ")";
    }

    private static DcsLoadException failure(List<String> tried, Throwable cause, String hint) {
        return new DcsLoadException("Cannot load the native library of libdcs. Tried: "
                + String.join("; ", tried) + ". " + hint, cause);
    }

    private static String location() {
        CodeSource source = NativeLoader.class.getProtectionDomain().getCodeSource();
        return source == null ? "the class path" : String.valueOf(source.getLocation());
    }

    /** Reports a library that can be loaded but does not fit this binding. */
    private static final class IncompatibleLibraryException extends Exception {
        private static final long serialVersionUID = 1L;

        private IncompatibleLibraryException(String message) {
            super(message);
        }
    }
}
