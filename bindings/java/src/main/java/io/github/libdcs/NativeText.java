package io.github.libdcs;

import com.sun.jna.Pointer;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.util.Arrays;

/** Text on its way to and from the library: NUL-terminated UTF-8 on the C side. */
final class NativeText {
    private static final String ENCODING = StandardCharsets.UTF_8.name();

    private NativeText() {
    }

    /** The text as C takes it. It must not contain NUL; a path and a URI cannot. */
    static byte[] encode(String text) {
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        return Arrays.copyOf(utf8, utf8.length + 1);
    }

    /** The path as C takes it. */
    static byte[] encode(Path file) {
        if (file.getFileSystem() != FileSystems.getDefault()) {
            throw new IllegalArgumentException(
                    file.toUri() + " is not a file of the operating system; read it, and give its bytes.");
        }
        return encode(file.toString());
    }

    /** Copies the text at an address that the library gave; null for NULL. */
    static String decode(long address) {
        return address == 0 ? null : new Pointer(address).getString(0, ENCODING);
    }
}
