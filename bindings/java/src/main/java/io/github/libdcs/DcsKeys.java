package io.github.libdcs;

import com.sun.jna.Pointer;
import java.nio.file.Path;
import java.util.Objects;

/**
 * Converts private keys to unencrypted PKCS#8 in DER. The result is the same as that of
 * {@code openssl pkcs8 -topk8 -nocrypt -outform DER}, for use with {@link java.security.spec.PKCS8EncodedKeySpec}.
 *
 * <p>Accepts every key format that {@link DcsClient} accepts. The result is <b>secret</b> and belongs to the caller.
 * Wipe it after use with {@code Arrays.fill(der, (byte) 0)}; a file that holds it should be readable by its owner only.
 */
public final class DcsKeys {
    private DcsKeys() {
    }

    /**
     * Converts the content of a key file. Accesses no file.
     *
     * @param key the content; copied to memory outside the Java heap that is wiped after use
     * @param password the password of an encrypted key, copied and wiped in the same way, or null for none
     * @return the key, which the caller wipes
     * @throws DcsConfigException if the data holds no usable key, or more than one ({@link DcsCode#PRIVATE_KEY}), or if
     *     it is encrypted and the password is missing or wrong ({@link DcsCode#PASSWORD})
     * @throws IllegalArgumentException if the password contains a NUL character or an unpaired surrogate
     * @throws DcsLoadException if the native library cannot be loaded
     */
    public static byte[] toPkcs8Der(byte[] key, char[] password) {
        NativeLoader.enter();
        try (SecretMemory memory = SecretMemory.ofBytes(Objects.requireNonNull(key, "key"))) {
            return convert(password, (secret, der, error) -> LibDcs.dcs_private_key_to_pkcs8_der(
                    memory.address(), memory.length(), secret, der, error));
        } finally {
            NativeLoader.leave();
        }
    }

    /**
     * Converts a key file.
     *
     * @param key the path
     * @param password the password of an encrypted key, copied to memory outside the Java heap that is wiped after use,
     *     or null for none
     * @return the key, which the caller wipes
     * @throws DcsConfigException if the file cannot be read ({@link DcsCode#FILE}), and as for
     *     {@link #toPkcs8Der(byte[], char[])}; the message names the file
     * @throws IllegalArgumentException if the password contains a NUL character or an unpaired surrogate
     * @throws DcsLoadException if the native library cannot be loaded
     */
    public static byte[] toPkcs8Der(Path key, char[] password) {
        byte[] path = NativeText.encode(Objects.requireNonNull(key, "key"));
        NativeLoader.enter();
        try {
            return convert(password, (secret, der, error) -> LibDcs.dcs_private_key_file_to_pkcs8_der(
                    path, secret, der, error));
        } finally {
            NativeLoader.leave();
        }
    }

    private static byte[] convert(char[] password, Conversion conversion) {
        long[] der = new long[1];
        long[] error = new long[1];
        try (SecretMemory secret = SecretMemory.ofPassword(password)) {
            int code = conversion.run(secret == null ? 0 : secret.address(), der, error);
            ErrorDetails.check(code, "Converting the private key", error);
        }
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
