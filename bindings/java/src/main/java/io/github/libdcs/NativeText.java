package io.github.libdcs;

import com.sun.jna.Pointer;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.util.Arrays;

/** Converts text between Java and C, where it is NUL-terminated UTF-8. */
final class NativeText {
    private static final String ENCODING = StandardCharsets.UTF_8.name();

    private static final byte[] NOT_UTF8 = {(byte) 0xff, 0};

    private NativeText() {
    }

    /**
     * Returns the text in C's form. That of a text that C does not have, with a NUL or an unpaired surrogate, is not UTF-8:
     * the library rejects it, and remembers that for the option.
     */
    static byte[] encode(String text) {
        ByteBuffer utf8;
        try {
            utf8 = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(text));
        } catch (CharacterCodingException e) {
            return NOT_UTF8.clone();
        }
        return text.indexOf(0) < 0 ? Arrays.copyOf(utf8.array(), utf8.limit() + 1) : NOT_UTF8.clone();
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
