package io.github.libdcs;

import com.sun.jna.Function;
import com.sun.jna.Library;
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
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;

/**
 * Loads the native library, checks its ABI version, and binds {@link LibDcs} to it.
 *
 * <p>The library is the file that {@code -Ddcs.library.path} names, otherwise the one in the jar. The system is not
 * searched, so that a libdcs of another version is never loaded by accident.
 *
 * <p>On Linux, {@link LibDcs} is bound only while something uses it, because JNA keeps a bound class and so its class
 * loader: an application could never be unloaded. The library itself stays in memory for the next one
 * ({@link IdleLibraries}). On other systems the class stays bound.
 */
final class NativeLoader {
    /** The value of {@code dcs_abi_version()} that this binding is written for. */
    static final int ABI_VERSION = 1;

    static final String PATH_PROPERTY = "dcs.library.path";

    private static final String PATH = System.getProperty(PATH_PROPERTY);

    // Flags of dlopen on Linux. The linker has pinned the library too; NOLOAD opens no file.
    private static final int RTLD_NOW = 2;
    private static final int RTLD_NOLOAD = 4;
    private static final int RTLD_NODELETE = 0x1000;

    // Guarded by the class, as are the methods below.
    private static DcsLoadException failure;
    private static Path loaded;
    private static String content;
    private static int users;

    /** The level that {@link LogBridge} has set in the library. */
    private static volatile int logLevel = LibDcs.DCS_LOG_OFF;

    private NativeLoader() {
    }

    /**
     * Starts a use of {@link LibDcs}, which must end with {@link #leave()}. Loads and binds the library if need be.
     *
     * @throws DcsLoadException if it cannot be loaded, at every call and with the first failure's message and cause.
     *     Then {@code leave()} must not be called.
     */
    static synchronized void enter() {
        if (users == 0 && failure == null) {
            failure = onThreadOfItsOwn(NativeLoader::load);
        }
        if (failure != null) {
            // A new one each time, so that the stack trace is the caller's.
            throw new DcsLoadException(failure.getMessage(), failure.getCause());
        }
        users++;
    }

    /** Ends a use of {@link LibDcs}. */
    static synchronized void leave() {
        if (users > 1 || Platform.isLinux()) {
            users--;
        }
        if (users > 0) {
            return;
        }
        if (content == null) { // A file that other class loaders may use at the same time.
            Native.unregister(LibDcs.class);
        } else {
            resetLog();
            Native.unregister(LibDcs.class);
            IdleLibraries.add(content, loaded);
        }
    }

    /** Sets the level of the library's log, in a use of {@link LibDcs}. */
    static void setLogLevel(int level) {
        if (level != logLevel) {
            synchronized (NativeLoader.class) {
                LibDcs.dcs_log_set_level(level);
                logLevel = level;
            }
        }
    }

    /** Turns the log off and discards its records, which the next user of the library must not get. */
    private static void resetLog() {
        if (logLevel != LibDcs.DCS_LOG_OFF) {
            setLogLevel(LibDcs.DCS_LOG_OFF);
            long[] record = new long[1];
            while (LibDcs.dcs_log_next(record) == DcsCode.OK.number() && record[0] != 0) {
                LibDcs.dcs_log_record_free(record[0]);
            }
        }
    }

    /**
     * Runs JNA on a thread that ends at once. JNA leaves values in its thread locals, which would keep the class loader;
     * and an interrupt of the caller would end the reading of a file.
     */
    private static DcsLoadException onThreadOfItsOwn(Callable<DcsLoadException> work) {
        FutureTask<DcsLoadException> task = new FutureTask<>(work);
        Thread thread = new Thread(null, task, "libdcs-loader", 0, false);
        thread.setDaemon(true);
        thread.setContextClassLoader(NativeLoader.class.getClassLoader());
        thread.start();
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return task.get();
                } catch (InterruptedException e) {
                    interrupted = true;
                } catch (ExecutionException e) {
                    throw new LinkageError("libdcs cannot be loaded now", e.getCause());
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** Binds a library that is in memory. Returns whether the C library finds it by the name of its deleted file. */
    private static boolean bindInMemory(Path file) {
        if (file == null || !Platform.isLinux()) {
            return false;
        }
        try {
            bind(file, RTLD_NOW | RTLD_NOLOAD);
            return true;
        } catch (IncompatibleLibraryException | LinkageError e) {
            return false;
        }
    }

    private static DcsLoadException load() {
        DcsLoadException jnaFailure = JnaCheck.start();
        if (jnaFailure != null) {
            return jnaFailure;
        }
        return PATH == null || PATH.isEmpty() ? loadFromJar() : loadFromPath(PATH);
    }

    private static DcsLoadException loadFromPath(String path) {
        String tried = "-D" + PATH_PROPERTY + "=" + path;
        if (bindInMemory(loaded)) {
            return null;
        }
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
            bind(file, RTLD_NOW | RTLD_NODELETE);
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
        try {
            content = IdleLibraries.identify(url);
        } catch (IOException | RuntimeException e) {
            content = url.toString(); // Unpacking it fails too, with a message.
        }
        if (bindInMemory(IdleLibraries.take(content))) {
            return null;
        }
        List<String> tried = new ArrayList<>();
        Throwable cause = null;
        for (Map.Entry<Path, String> folder : UnpackedLibrary.folders().entrySet()) {
            String place = url + " in " + folder.getKey() + " (" + folder.getValue() + ")";
            try (UnpackedLibrary unpacked = UnpackedLibrary.unpack(url, folder.getKey())) {
                bind(unpacked.file(), RTLD_NOW | RTLD_NODELETE);
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

    private static void bind(Path file, int linuxFlags) throws IncompatibleLibraryException {
        Map<String, Object> options = Platform.isLinux() ? Map.of(Library.OPTION_OPEN_FLAGS, linuxFlags) : Map.of();
        NativeLibrary library = NativeLibrary.getInstance(file.toString(), options);
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
            loaded = file;
        } finally {
            // JNA's thread keeps the class loader while a library is open. On Linux the library stays in memory.
            if (!bound || Platform.isLinux()) {
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
