package io.github.libdcs;

import com.sun.jna.Pointer;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.util.Arrays;

/** Converts text between Java and C, where it is NUL-terminated UTF-8. */
final class NativeText {
    private static final String ENCODING = StandardCharsets.UTF_8.name();

    private NativeText() {
    }

    /** Returns the text in C's form. It must not contain NUL; a path and a URI cannot. */
    static byte[] encode(String text) {
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        return Arrays.copyOf(utf8, utf8.length + 1);
    }

    /** Returns the path in C's form. */
    static byte[] encode(Path file) {
        if (file.getFileSystem() != FileSystems.getDefault()) {
            throw new IllegalArgumentException(
                    file.toUri() + " is not a file of the operating system. Read it, and pass its bytes.");
        }
        return encode(file.toString());
    }

    /** Copies the text at an address from the library; returns null for NULL. */
    static String decode(long address) {
        return address == 0 ? null : new Pointer(address).getString(0, ENCODING);
    }
}
