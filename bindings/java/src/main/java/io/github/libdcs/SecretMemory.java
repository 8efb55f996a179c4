package io.github.libdcs;

import com.sun.jna.Native;
import com.sun.jna.Pointer;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetEncoder;
import java.nio.charset.StandardCharsets;

/**
 * Holds a password or a file's bytes on their way to the library. The memory is outside the Java heap, where no garbage
 * collection copies it, and is wiped on {@link #close()}. The library makes its own copy, and wipes that too.
 */
final class SecretMemory implements AutoCloseable {
    private final long address;
    private final int capacity;
    private int length;

    private SecretMemory(int size) {
        capacity = Math.max(size, 1); // malloc(0) may return NULL
        address = Native.malloc(capacity);
        if (address == 0) {
            throw new OutOfMemoryError("cannot allocate " + capacity + " bytes of native memory");
        }
    }

    /** Copies the bytes. */
    static SecretMemory ofBytes(byte[] bytes) {
        SecretMemory memory = new SecretMemory(bytes.length);
        new Pointer(memory.address).write(0, bytes, 0, bytes.length);
        memory.length = bytes.length;
        return memory;
    }

    /**
     * Encodes a password as NUL-terminated UTF-8.
     *
     * @param password the password, or null for none
     * @return the memory; null for null
     * @throws IllegalArgumentException if C cannot represent it: it contains a NUL character, which would truncate it,
     *     or an unpaired surrogate
     */
    static SecretMemory ofPassword(char[] password) {
        if (password == null) {
            return null;
        }
        for (char c : password) {
            if (c == 0) {
                throw new IllegalArgumentException("the password contains a NUL character");
            }
        }
        CharsetEncoder utf8 = StandardCharsets.UTF_8.newEncoder();
        int bytesPerChar = (int) Math.ceil(utf8.maxBytesPerChar());
        SecretMemory memory = new SecretMemory(Math.addExact(Math.multiplyExact(password.length, bytesPerChar), 1));
        ByteBuffer target = new Pointer(memory.address).getByteBuffer(0, memory.capacity);
        if (utf8.encode(CharBuffer.wrap(password), target, true).isError()) {
            memory.close();
            throw new IllegalArgumentException("the password contains an unpaired surrogate");
        }
        memory.length = target.position();
        target.put((byte) 0);
        return memory;
    }

    /** Returns the address of the bytes, which is valid until {@link #close()}. */
    long address() {
        return address;
    }

    /** Returns the number of bytes, not counting the NUL after a password. */
    long length() {
        return length;
    }

    /** Wipes and frees the memory. Must be called exactly once. */
    @Override
    public void close() {
        new Pointer(address).clear(capacity);
        Native.free(address);
    }
}
