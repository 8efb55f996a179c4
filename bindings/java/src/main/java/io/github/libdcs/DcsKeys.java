package io.github.libdcs;

import com.sun.jna.Pointer;
import java.nio.file.Path;

/**
 * Converts private keys to PKCS#8 in DER, not encrypted: the bytes that
 * {@code openssl pkcs8 -topk8 -nocrypt -outform DER} gives, and that
 * {@link java.security.spec.PKCS8EncodedKeySpec} takes.
 *
 * <p>Takes every form of a key that a {@link DcsClient} takes. What is returned is <b>secret</b> and the caller's:
 * {@code Arrays.fill(der, (byte) 0)} wipes it after use, and a file of it should be readable by its owner only.
 */
public final class DcsKeys {
    private DcsKeys() {
    }

    /**
     * Converts what a key's file contains. Nothing is read or written but memory.
     *
     * @param key the content; copied to memory outside the Java heap that is wiped after use
     * @param password the password of an encrypted key, copied and wiped in the same way, or null for none
     * @return the key, which the caller wipes
     * @throws DcsConfigException where the data holds no usable key, or more than one
     *     ({@link DcsCode#PRIVATE_KEY}), or is encrypted and the password is missing or wrong
     *     ({@link DcsCode#PASSWORD})
     * @throws IllegalArgumentException where the password contains a NUL character or half of a surrogate pair
     * @throws DcsLoadException where the native library cannot be loaded
     */
    public static byte[] toPkcs8Der(byte[] key, char[] password) {
        NativeLoader.require();
        try (SecretMemory memory = SecretMemory.ofBytes(key)) {
            return convert(password, (secret, der, error) -> LibDcs.dcs_private_key_to_pkcs8_der(
                    memory.address(), memory.length(), secret, der, error));
        }
    }

    /**
     * Converts a key's file.
     *
     * @param key the path
     * @param password the password of an encrypted key, copied to memory outside the Java heap that is wiped after
     *     use, or null for none
     * @return the key, which the caller wipes
     * @throws DcsConfigException where the file cannot be read ({@link DcsCode#FILE}), and as for
     *     {@link #toPkcs8Der(byte[], char[])}; the message names the file
     * @throws IllegalArgumentException where the password contains a NUL character or half of a surrogate pair
     * @throws DcsLoadException where the native library cannot be loaded
     */
    public static byte[] toPkcs8Der(Path key, char[] password) {
        NativeLoader.require();
        byte[] path = NativeText.encode(key);
        return convert(password, (secret, der, error) -> LibDcs.dcs_private_key_file_to_pkcs8_der(
                path, secret, der, error));
    }

    /** Runs one of the two functions, with the password's address. */
    private static byte[] convert(char[] password, Conversion conversion) {
        if (password == null) {
            return convert(0, conversion);
        }
        try (SecretMemory secret = SecretMemory.ofPassword(password)) {
            return convert(secret.address(), conversion);
        }
    }

    private static byte[] convert(long password, Conversion conversion) {
        long[] der = new long[1];
        long[] error = new long[1];
        ErrorDetails.check(conversion.run(password, der, error), "Converting the private key", error);
        try {
            int length = Math.toIntExact(LibDcs.dcs_buffer_len(der[0]));
            return new Pointer(LibDcs.dcs_buffer_data(der[0])).getByteArray(0, length);
        } finally {
            LibDcs.dcs_buffer_free(der[0]);
        }
    }

    /** One of the native functions that convert a key. */
    private interface Conversion {
        int run(long password, long[] der, long[] error);
    }
}
