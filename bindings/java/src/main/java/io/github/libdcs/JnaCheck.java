package io.github.libdcs;

import com.sun.jna.Native;
import java.lang.reflect.Field;
import java.security.CodeSource;

/** Starts JNA, and says what is wrong where it does not start or is too old. */
final class JnaCheck {
    /** The one that pom.xml depends on. */
    static final String VERSION = "5.19.1";

    /** Older ones can deadlock while they start. */
    static final String OLDEST = "5.18.1";

    private JnaCheck() {
    }

    /** Returns what is wrong, or null. */
    static DcsLoadException start() {
        try {
            // Without starting it, which an old one might not survive.
            Class<?> entry = Class.forName("com.sun.jna.Native", false, JnaCheck.class.getClassLoader());
            String version = version(entry);
            if (version != null && isOlder(version)) {
                CodeSource source = entry.getProtectionDomain().getCodeSource();
                return new DcsLoadException("libdcs cannot call native code with JNA " + version
                        + ", which comes first on the class path"
                        + (source == null ? "" : " (" + source.getLocation() + ")") + "; it needs JNA " + OLDEST
                        + " or newer. See what brings the old one (mvn dependency:tree -Dincludes=net.java.dev.jna)"
                        + " and have net.java.dev.jna:jna:" + VERSION + " instead.", null);
            }
            UnpackedLibrary.tellJna();
            if (Native.POINTER_SIZE != Long.BYTES) {
                return new DcsLoadException("libdcs needs a 64-bit JVM; this one is "
                        + System.getProperty("os.arch") + ".", null);
            }
            return null;
        } catch (ClassNotFoundException | NoClassDefFoundError e) {
            return new DcsLoadException("libdcs cannot call native code, since JNA is not on the class path (" + e
                    + "). Add net.java.dev.jna:jna:" + VERSION + " or newer.", e);
        } catch (VirtualMachineError e) {
            throw e;
        } catch (Error e) { // Where JNA finds a native part of another version, it throws a plain Error.
            return new DcsLoadException("libdcs cannot call native code, since JNA does not start: "
                    + e.toString().strip() + ". JNA unpacks a library of its own: name a folder for it that can be"
                    + " written to and is not mounted noexec, with -D" + UnpackedLibrary.FOLDER_PROPERTY + "=FOLDER (or"
                    + " -Djna.tmpdir=FOLDER, for JNA alone); and see that no -Djna.boot.library.path names another"
                    + " version's.", e);
        }
    }

    /** What JNA calls itself, or null where it cannot be asked. */
    private static String version(Class<?> entry) {
        try {
            // Of an interface that Native implements, and no constant here: the compiler would copy its value.
            Field field = entry.getField("VERSION");
            field.setAccessible(true);
            return (String) field.get(null);
        } catch (ReflectiveOperationException | RuntimeException e) {
            Package contents = entry.getPackage();
            return contents == null ? null : contents.getImplementationVersion();
        }
    }

    /** Whether a version is older than the oldest that will do; one that is no version is not. */
    static boolean isOlder(String version) {
        String[] parts = version.split("\\D+", -1);
        String[] oldest = OLDEST.split("\\.");
        try {
            for (int i = 0; i < oldest.length; i++) {
                int part = i < parts.length && !parts[i].isEmpty() ? Integer.parseInt(parts[i]) : 0;
                int difference = part - Integer.parseInt(oldest[i]);
                if (difference != 0) {
                    return difference < 0;
                }
            }
        } catch (NumberFormatException e) {
            return false;
        }
        return false;
    }
}
