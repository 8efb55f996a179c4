package io.github.libdcs;

import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.util.function.LongToIntFunction;

/**
 * Owns a native configuration, which is wiped and freed on {@link #close()} or once this object is unreachable. Its lock
 * is held during each use, because the library expects one thread at a time.
 */
final class NativeConfig implements AutoCloseable {
    private final NativeObject config;
    private final Cleaner.Cleanable cleanable;

    NativeConfig() {
        NativeLoader.enter();
        try {
            config = new NativeObject(LibDcs.dcs_config_new(), LibDcs::dcs_config_free);
        } finally {
            NativeLoader.leave();
        }
        cleanable = NativeCleaner.register(this, config);
    }

    /** Sets an option by its name, from text. The library validates the value. */
    synchronized void setOption(String name, String value) {
        long[] error = new long[1];
        byte[] nameText = NativeText.encode(name);
        byte[] valueText = NativeText.encode(value);
        int code = call(config -> LibDcs.dcs_config_set_option(config, nameText, valueText, error));
        ErrorDetails.check(code, "Setting " + name, error);
    }

    /** Sets the options that the environment variables give. */
    synchronized void loadEnvironment() {
        long[] error = new long[1];
        int code = call(config -> LibDcs.dcs_config_load_env(config, error));
        ErrorDetails.check(code, "Reading the environment variables", error);
    }

    /** Sets an option by its own function. */
    synchronized void set(String name, LongToIntFunction function) {
        ErrorDetails.check(call(function), "Setting " + name);
    }

    /** Creates a native client, which the caller frees. */
    long newClient() {
        long[] client = new long[1];
        long[] error = new long[1];
        int code = call(config -> LibDcs.dcs_client_new(config, client, error));
        ErrorDetails.check(code, "Creating the client", error);
        return client[0];
    }

    /** Checks everything from the files to the service's response. */
    DcsReport diagnose() {
        long[] report = new long[1];
        long[] error = new long[1];
        int code = call(config -> LibDcs.dcs_diagnose(config, report, error));
        ErrorDetails.check(code, "The diagnosis", error);
        try {
            return DcsReport.read(report[0]);
        } finally {
            LibDcs.dcs_report_free(report[0]);
        }
    }

    private synchronized int call(LongToIntFunction function) {
        long address = config.address();
        if (address == 0) {
            throw new IllegalStateException("This builder has been used by build() or diagnose()."
                    + " Create another with DcsClient.builder().");
        }
        try {
            return function.applyAsInt(address);
        } finally {
            Reference.reachabilityFence(this); // Otherwise the cleaner could free it during the call.
        }
    }

    @Override
    public synchronized void close() {
        cleanable.clean();
    }
}
