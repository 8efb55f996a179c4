package io.github.libdcs;

import com.sun.jna.Function;
import com.sun.jna.Native;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Platform;
import java.io.File;
import java.io.IOException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.CodeSource;

/**
 * Finds the native library, checks that it speaks this binding's ABI, and connects {@link LibDcs} to it.
 *
 * <p>There is one place to look, never a search: the file that {@code -Ddcs.library.path} names, otherwise the
 * one in the jar. A system-wide libdcs is never taken by accident, so what was tested together runs together.
 */
final class NativeLoader {
    /** The value of {@code dcs_abi_version()} that this binding is written for. */
    static final int ABI_VERSION = 1;

    static final String PATH_PROPERTY = "dcs.library.path";

    /** The one that pom.xml depends on. */
    static final String JNA_VERSION = "5.19.1";

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
        try {
            if (Native.POINTER_SIZE != Long.BYTES) {
                return new DcsLoadException("libdcs needs a 64-bit JVM; this one is "
                        + System.getProperty("os.arch") + ".", null);
            }
        } catch (NoClassDefFoundError e) {
            return new DcsLoadException("libdcs cannot call native code, since JNA is not on the class path (" + e
                    + "). Add net.java.dev.jna:jna:" + JNA_VERSION + " or newer.", e);
        } catch (LinkageError e) {
            return new DcsLoadException("libdcs cannot call native code, since JNA does not start: " + e
                    + ". JNA unpacks a library of its own: see that its folder (-Djna.tmpdir=FOLDER) can be written"
                    + " to and is not mounted noexec.", e);
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
            connect(file.toFile());
            return null;
        } catch (IncompatibleLibraryException | RuntimeException | LinkageError e) {
            return failure(tried, e, advice);
        }
    }

    private static DcsLoadException loadFromJar() {
        String resource = "/" + Platform.RESOURCE_PREFIX + "/" + System.mapLibraryName("dcs");
        String advice = "Use a libdcs jar that was built for this platform (" + Platform.RESOURCE_PREFIX
                + "), or name a library file with -D" + PATH_PROPERTY + "=FILE.";
        URL url = NativeLoader.class.getResource(resource);
        if (url == null) {
            return failure(resource + " in " + location(), new IOException("there is no such entry"), advice);
        }
        String tried = url.toString();
        try {
            // JNA unpacks to where it has unpacked its own library (-Djna.tmpdir), a folder that is known to
            // allow this. With the leading slash it looks for exactly this resource and no other.
            File file = Native.extractFromResourcePath(resource, NativeLoader.class.getClassLoader());
            tried += ", unpacked to " + file;
            try {
                connect(file);
            } finally {
                // Loaded, the file is no longer needed; left to the end of the JVM, one that is killed would leave
                // it behind. Where the system forbids this (Windows), JNA deletes it at the end.
                if (!url.getProtocol().equals("file")) {
                    file.delete();
                }
            }
            return null;
        } catch (IOException | IncompatibleLibraryException | RuntimeException | LinkageError e) {
            return failure(tried, e, advice);
        }
    }

    private static void connect(File file) throws IncompatibleLibraryException {
        NativeLibrary library = NativeLibrary.getInstance(file.getPath());
        boolean connected = false;
        try {
            // Before anything else: a library of another ABI may well have the same symbols.
            int abi = library.getFunction("dcs_abi_version").invokeInt(new Object[0]);
            if (abi != ABI_VERSION) {
                Function version = library.getFunction("dcs_version");
                throw new IncompatibleLibraryException("it is libdcs "
                        + version.invokeString(new Object[0], false) + " with ABI version "
                        + Integer.toUnsignedString(abi) + ", and this jar needs ABI version " + ABI_VERSION);
            }
            Native.register(LibDcs.class, library);
            connected = true;
        } finally {
            if (!connected) {
                library.close();
            }
        }
    }

    private static DcsLoadException failure(String tried, Throwable cause, String advice) {
        return new DcsLoadException("The native library of libdcs cannot be used. Tried: " + tried + ": "
                + reason(cause) + ". " + advice, cause);
    }

    /** The system's own words, where JNA has wrapped them in a list of all the places it looked at. */
    private static String reason(Throwable cause) {
        Throwable[] inner = cause.getSuppressed();
        String text = inner.length > 0 ? inner[0].getMessage() : cause.getMessage();
        return text == null ? cause.toString() : text.strip();
    }

    private static String location() {
        CodeSource source = NativeLoader.class.getProtectionDomain().getCodeSource();
        return source == null ? "the class path" : String.valueOf(source.getLocation());
    }

    /** A library that loads but is not for this binding. */
    private static final class IncompatibleLibraryException extends Exception {
        private static final long serialVersionUID = 1L;

        private IncompatibleLibraryException(String message) {
            super(message);
        }
    }
}
