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
import java.nio.file.Path;
import java.security.CodeSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;

/**
 * Finds the native library, checks that it speaks this binding's ABI, and connects {@link LibDcs} to it.
 *
 * <p>There is one library to load, never a search: the file that {@code -Ddcs.library.path} names, otherwise the
 * one in the jar. A system-wide libdcs is never taken by accident, so what was tested together runs together.
 */
final class NativeLoader {
    /** The value of {@code dcs_abi_version()} that this binding is written for. */
    static final int ABI_VERSION = 1;

    static final String PATH_PROPERTY = "dcs.library.path";

    private static final DcsLoadException FAILURE = load();

    private NativeLoader() {
    }

    /**
     * Returns once the functions of {@link LibDcs} can be called.
     *
     * @throws DcsLoadException where they cannot: at every call, with the first failure's words and cause. (An
     *     exception from a static initializer would be a NoClassDefFoundError from the second call on.)
     */
    static void require() {
        if (FAILURE != null) {
            // A new one each time, so that the stack trace is the caller's.
            throw new DcsLoadException(FAILURE.getMessage(), FAILURE.getCause());
        }
    }

    private static DcsLoadException load() {
        DcsLoadException withoutJna = JnaCheck.start();
        if (withoutJna != null) {
            return withoutJna;
        }
        String path = System.getProperty(PATH_PROPERTY);
        return path == null || path.isEmpty() ? loadFromJar() : loadFromPath(path);
    }

    private static DcsLoadException loadFromPath(String path) {
        String advice = "Correct or remove -D" + PATH_PROPERTY + ", which takes the library's file or its folder.";
        String tried = "-D" + PATH_PROPERTY + "=" + path;
        try {
            Path file = Path.of(path).toAbsolutePath();
            if (Files.isDirectory(file)) {
                file = file.resolve(System.mapLibraryName("dcs"));
                tried += ", that is " + file;
            }
            String fault = LibraryFileCheck.fault(file);
            if (fault != null) {
                throw new IOException(fault);
            }
            connect(file);
            return null;
        } catch (IOException | UnfitLibraryException | RuntimeException | LinkageError e) {
            return failure(List.of(tried + ": " + LibraryFileCheck.reason(e)), e, advice);
        }
    }

    private static DcsLoadException loadFromJar() {
        String resource = "/" + Platform.RESOURCE_PREFIX + "/" + System.mapLibraryName("dcs");
        URL url = NativeLoader.class.getResource(resource);
        if (url == null) {
            IOException missing = new IOException("there is no such entry");
            return failure(List.of(resource + " in " + location() + ": there is no such entry"), missing,
                    "Use a libdcs jar that was built for this platform (" + Platform.RESOURCE_PREFIX
                    + "), or name a library file with -D" + PATH_PROPERTY + "=FILE.");
        }
        List<String> tried = new ArrayList<>();
        Throwable cause = null;
        for (Map.Entry<Path, String> folder : UnpackedLibrary.folders().entrySet()) {
            String place = url + " in " + folder.getKey() + " (" + folder.getValue() + ")";
            try (UnpackedLibrary unpacked = UnpackedLibrary.of(url, folder.getKey())) {
                connect(unpacked.file());
                return null;
            } catch (IOException | UnfitLibraryException | URISyntaxException | RuntimeException | LinkageError e) {
                // Another folder may be one that can be written to, and not be mounted noexec.
                tried.add(place + ": " + LibraryFileCheck.reason(e));
                cause = cause == null ? e : cause;
            }
        }
        return failure(tried, cause, "Name a folder that can be written to and is not mounted noexec, with -D"
                + UnpackedLibrary.FOLDER_PROPERTY + "=FOLDER, or a library file with -D" + PATH_PROPERTY + "=FILE.");
    }

    private static void connect(Path file) throws UnfitLibraryException {
        NativeLibrary library = NativeLibrary.getInstance(file.toString());
        boolean connected = false;
        try {
            // Before anything else: a library of another ABI may well have the same symbols.
            int abi = function(library, "dcs_abi_version").invokeInt(new Object[0]);
            if (abi != ABI_VERSION) {
                throw new UnfitLibraryException("it is " + version(library) + " with ABI version "
                        + Integer.toUnsignedString(abi) + ", and this jar" + ownVersion() + " needs ABI version "
                        + ABI_VERSION);
            }
            try {
                Native.register(LibDcs.class, library);
            } catch (UnsatisfiedLinkError e) {
                throw new UnfitLibraryException("it is " + version(library) + ", older than this jar" + ownVersion()
                        + ": " + e.getMessage());
            }
            connected = true;
        } finally {
            if (!connected) {
                library.close();
            }
        }
    }

    private static Function function(NativeLibrary library, String name) throws UnfitLibraryException {
        try {
            return library.getFunction(name);
        } catch (UnsatisfiedLinkError e) {
            throw new UnfitLibraryException("it is not libdcs: it has no function " + name);
        }
    }

    private static String version(NativeLibrary library) {
        try {
            return "libdcs " + function(library, "dcs_version").invokeString(new Object[0], false);
        } catch (UnfitLibraryException e) {
            return "a libdcs that does not tell its version";
        }
    }

    /** The version of this jar in parentheses, where it has one. */
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

    private static DcsLoadException failure(List<String> tried, Throwable cause, String advice) {
        return new DcsLoadException("The native library of libdcs cannot be used. Tried: "
                + String.join("; ", tried) + ". " + advice, cause);
    }

    private static String location() {
        CodeSource source = NativeLoader.class.getProtectionDomain().getCodeSource();
        return source == null ? "the class path" : String.valueOf(source.getLocation());
    }

    /** A library that loads but is not for this binding. */
    private static final class UnfitLibraryException extends Exception {
        private static final long serialVersionUID = 1L;

        private UnfitLibraryException(String message) {
            super(message);
        }
    }
}
