package io.github.libdcs;

import com.sun.jna.Native;
import java.lang.module.ModuleDescriptor.Version;
import java.lang.reflect.Field;
import java.security.CodeSource;

/** Starts JNA, and reports if it is missing, too old or does not start. */
final class JnaCheck {
    /** The version that pom.xml depends on. */
    static final String VERSION = "5.19.1";

    /** Older versions can deadlock while they start. */
    static final String OLDEST = "5.18.1";

    private JnaCheck() {
    }

    /** Returns what is wrong, or null. */
    static DcsLoadException start() {
        try {
            // Without initializing the class, which an old version might not survive.
            Class<?> entry = Class.forName("com.sun.jna.Native", false, JnaCheck.class.getClassLoader());
            String version = version(entry);
            if (version != null && isOlder(version)) {
                CodeSource source = entry.getProtectionDomain().getCodeSource();
                return new DcsLoadException("libdcs needs JNA " + OLDEST + " or newer, but JNA " + version
                        + " comes first on the class path" + (source == null ? "" : " (" + source.getLocation() + ")")
                        + ". Find what brings it (mvn dependency:tree -Dincludes=net.java.dev.jna), and use"
                        + " net.java.dev.jna:jna:" + VERSION + " instead.", null);
            }
            UnpackedLibrary.configureJna();
            if (Native.POINTER_SIZE != Long.BYTES) {
                return new DcsLoadException("libdcs needs a 64-bit JVM, but this one is "
                        + System.getProperty("os.arch") + ". Use a 64-bit JVM.", null);
            }
            return null;
        } catch (ClassNotFoundException | NoClassDefFoundError e) {
            return new DcsLoadException("JNA is not on the class path (" + e
                    + "). Add net.java.dev.jna:jna:" + VERSION + " or newer.", e);
        } catch (VirtualMachineError e) {
            throw e;
        } catch (Error e) { // JNA throws a plain Error if its native library is of another version.
            return new DcsLoadException("JNA does not start: " + e.toString().strip()
                    + ". Set -D" + UnpackedLibrary.FOLDER_PROPERTY + "=FOLDER (or -Djna.tmpdir=FOLDER, for JNA alone)"
                    + " to a writable folder that is not mounted noexec."
                    + " Remove -Djna.boot.library.path if it names the library of another JNA version.", e);
        }
    }

    /** Returns the version that JNA reports, or null. */
    private static String version(Class<?> entry) {
        try {
            // By reflection: the compiler would copy the constant's value.
            Field field = entry.getField("VERSION");
            field.setAccessible(true); // It is declared in an interface that is not public.
            return (String) field.get(null);
        } catch (ReflectiveOperationException | RuntimeException e) {
            Package contents = entry.getPackage();
            return contents == null ? null : contents.getImplementationVersion();
        }
    }

    /** Returns whether a version is older than {@link #OLDEST}; true for text that is not a version. */
    static boolean isOlder(String version) {
        try {
            return Version.parse(version).compareTo(Version.parse(OLDEST)) < 0;
        } catch (IllegalArgumentException e) {
            return true;
        }
    }
}
