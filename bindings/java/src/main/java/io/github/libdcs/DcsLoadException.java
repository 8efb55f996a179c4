package io.github.libdcs;

/**
 * The native library cannot be loaded: thrown by {@link DcsClient#builder()} and
 * {@link DcsClient#fromEnvironment()}, each time they are called.
 *
 * <p>The message lists what was tried, why it failed and what to do; {@link #getCause()} is what the system
 * said. This is a fault of the installation, not an answer of the library, so it is no {@link DcsException}.
 */
public final class DcsLoadException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    DcsLoadException(String message, Throwable cause) {
        super(message, cause);
    }
}
