package io.github.libdcs;

import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.LongFunction;

/**
 * Makes the DCS's status call over mutual TLS.
 *
 * <p>A client reads its files when it is built, and again when it is told to ({@link #reload()},
 * {@link Builder#reloadInterval(Duration)}). It is meant to live as long as the service that uses it: it keeps
 * connections alive where the server lets it, and resumes TLS sessions where it does not. Any number of threads may
 * share it.
 *
 * <p><b>Closing</b> is idempotent and returns at once. Calls that are in flight end within 100 ms with
 * {@link DcsCode#INTERRUPTED}, and the last of them to leave frees the native client; calls that begin afterwards
 * throw {@link IllegalStateException}. A client that is never closed is freed some time after it has become
 * unreachable.
 *
 * <p><b>Virtual threads</b>: {@link #status()} waits inside a native call, which holds on to the carrier thread
 * of a virtual thread until the answer is there. From virtual threads, wait for {@link #statusAsync()}
 * instead: {@code client.statusAsync().join()}.
 *
 * <p><b>Ending calls</b>: {@link #interrupt()} ends all that are in flight, and cancelling the future of
 * {@link #statusAsync()} that one. {@link Thread#interrupt()} cannot be seen inside a native call and ends none:
 * {@link #status()} comes back with its answer, or by its timeout, and the thread's interrupt status is still set. A
 * thread that may be interrupted waits for a future, and cancels it:
 *
 * <pre>{@code
 * CompletableFuture<DcsStatus> call = client.statusAsync();
 * try {
 *     return call.get();
 * } catch (InterruptedException e) {
 *     call.cancel(true); // ends the call
 *     throw e;
 * }
 * }</pre>
 */
public final class DcsClient implements AutoCloseable {
    /** Package-private so that tests can see when it is freed. */
    final ClientHandle handle;

    private final Cleaner.Cleanable cleanable;

    /** Takes over a native client. */
    private DcsClient(long address) {
        handle = new ClientHandle(address, LibDcs::dcs_client_free);
        cleanable = NativeCleaner.register(this, handle);
    }

    /**
     * Begins a client.
     *
     * @return a builder that has all options at their defaults
     * @throws DcsLoadException where the native library cannot be loaded
     */
    public static Builder builder() {
        NativeLoader.require();
        return new Builder();
    }

    /**
     * Makes a client from the environment variables {@code DCS_URL}, {@code DCS_CA_BUNDLE},
     * {@code DCS_CERTIFICATE}, {@code DCS_PRIVATE_KEY} (each of the three a path, or PEM, or base64),
     * {@code DCS_PRIVATE_KEY_PASSWORD}, {@code DCS_PROXY}, {@code DCS_TIMEOUT_MS}, {@code DCS_CONNECT_TIMEOUT_MS},
     * {@code DCS_RELOAD_INTERVAL_MS}, {@code DCS_HONOUR_RETRY_AFTER} ({@code 1} or {@code 0}) and
     * {@code DCS_STATUS_MAX_AGE_MS}; one that is not set, or empty, leaves its option at the default. Only
     * this method and {@link #diagnoseFromEnvironment()} look at these variables.
     *
     * @return the client
     * @throws DcsConfigException where a variable or a file cannot be used; the message names it
     * @throws DcsLoadException where the native library cannot be loaded
     */
    public static DcsClient fromEnvironment() {
        NativeLoader.require();
        try (NativeConfig config = new NativeConfig()) {
            config.loadEnvironment();
            return new DcsClient(LogBridge.during(config::newClient));
        }
    }

    /**
     * Checks what the environment variables say, those of {@link #fromEnvironment()}, from the files to the
     * service's answer; otherwise as {@link Builder#diagnose()}.
     *
     * @return what was found
     * @throws DcsConfigException where a variable's value is not one that the option takes, such as a URL that is
     *     not https; the message names it, and nothing has been sent
     * @throws DcsLoadException where the native library cannot be loaded
     */
    public static DcsReport diagnoseFromEnvironment() {
        NativeLoader.require();
        try (NativeConfig config = new NativeConfig()) {
            config.loadEnvironment();
            return LogBridge.during(config::diagnose);
        }
    }

    /**
     * Asks the DCS for its status and waits for the answer, at most as long as the timeout.
     *
     * @return the answer, also where it says that the DCS is not available
     * @throws DcsNetworkException where the DCS could not be reached, or not in time; with
     *     {@link DcsCode#INTERRUPTED} where the call was ended by {@link #close()} or {@link #interrupt()}
     * @throws DcsTlsException where one side does not accept the other's certificate, or TLS fails otherwise
     * @throws DcsServiceException where the DCS answered with an error, or with something else than a status
     * @throws IllegalStateException where the client is closed
     */
    public DcsStatus status() {
        return status(new Cancellation());
    }

    private DcsStatus status(Cancellation cancellation) {
        return LogBridge.during(() -> inside(cancellation, client -> call(client, cancellation)));
    }

    /**
     * Uses the native client, which is not freed meanwhile.
     *
     * @throws IllegalStateException where the client is closed
     */
    private <T> T inside(Cancellation cancellation, LongFunction<T> use) {
        try {
            long client = handle.enter(cancellation);
            try {
                return use.apply(client);
            } finally {
                handle.leave(cancellation);
            }
        } finally {
            // Otherwise a client whose last use is this call could be closed by the cleaner just before enter().
            Reference.reachabilityFence(this);
        }
    }

    private static DcsStatus call(long client, Cancellation cancellation) {
        long[] response = new long[1];
        long[] error = new long[1];
        int code;
        long ending = cancellation.enter();
        try {
            code = LibDcs.dcs_status_until(client, ending, response, error);
        } finally {
            cancellation.leave();
        }
        ErrorDetails.check(code, "The status call", error);
        try {
            return new DcsStatus(response[0]);
        } finally {
            LibDcs.dcs_status_response_free(response[0]);
        }
    }

    /**
     * {@link #status()} on another thread: one of at most 16 platform threads, shared by all clients, which are
     * daemons and end when they have been idle for a while. Further calls wait for a free thread.
     *
     * <p>The future fails with what {@link #status()} throws: {@link CompletableFuture#join()} wraps it in a
     * {@link java.util.concurrent.CompletionException}, {@link CompletableFuture#get()} in an
     * {@link java.util.concurrent.ExecutionException}.
     *
     * <p>The call is made for this future: when that is cancelled, or completed in any other way before the answer is
     * there, such as by {@link CompletableFuture#orTimeout}, the call ends within 100 ms, or is never made if it still
     * waits for a free thread. (Futures that are derived from it do not hand this on, as always with
     * {@code CompletableFuture}: keep this one to cancel it.)
     *
     * @return the answer to come
     */
    public CompletableFuture<DcsStatus> statusAsync() {
        return statusAsync(StatusExecutor.executor());
    }

    /**
     * As {@link #statusAsync()}, on the caller's own executor. A call that is cancelled before the executor runs it is
     * not made.
     *
     * @param executor runs the call, which blocks: it should have platform threads, and not be
     *     {@link java.util.concurrent.ForkJoinPool#commonPool()}
     * @return the answer to come
     * @throws java.util.concurrent.RejectedExecutionException where the executor does not take the call
     */
    public CompletableFuture<DcsStatus> statusAsync(Executor executor) {
        CompletableFuture<DcsStatus> future = new CompletableFuture<>();
        Cancellation cancellation = new Cancellation();
        future.whenComplete((status, failure) -> cancellation.cancel());
        executor.execute(() -> complete(future, cancellation));
        return future;
    }

    private void complete(CompletableFuture<DcsStatus> future, Cancellation cancellation) {
        if (future.isDone()) {
            return; // nobody wants it any more
        }
        DcsStatus status;
        try {
            status = status(cancellation);
        } catch (Throwable e) { // whatever it is, it must not be lost in the executor
            future.completeExceptionally(e);
            return;
        }
        future.complete(status);
    }

    /**
     * Reads the files again, and has the calls that begin afterwards use what is in them; calls in flight are not
     * disturbed. All or nothing: on a failure the client goes on with what it had.
     *
     * <p>For this, a client whose certificate or key comes from a file keeps the password, and the other one's content
     * where that was given as bytes, in native memory that is wiped when the client is freed.
     *
     * @throws DcsConfigException where a file cannot be used, as for {@link Builder#build()}; and for a client that was
     *     made from no file
     * @throws IllegalStateException where the client is closed
     * @see Builder#reloadInterval(Duration)
     */
    public void reload() {
        LogBridge.during(() -> inside(new Cancellation(), client -> {
            long[] error = new long[1];
            ErrorDetails.check(LibDcs.dcs_client_reload(client, error), "Reading the files again", error);
            return null;
        }));
    }

    /**
     * Ends every call in flight within 100 ms, with {@link DcsCode#INTERRUPTED}. Returns at once. The client stays
     * usable: calls that begin afterwards are not concerned, nor those of {@link #statusAsync()} that still wait for
     * a free thread.
     *
     * @throws IllegalStateException where the client is closed, and its calls are ended anyway
     */
    public void interrupt() {
        inside(new Cancellation(), client -> {
            ErrorDetails.check(LibDcs.dcs_client_interrupt(client), "Interrupting the calls");
            return null;
        });
    }

    /**
     * Until when the client certificate is valid, for a service's own monitoring. {@link #reload()} may change it.
     *
     * @return the instant, or empty where no certificate is configured or its dates cannot be read
     * @throws IllegalStateException where the client is closed
     */
    public Optional<Instant> certificateNotAfter() {
        long milliseconds = inside(new Cancellation(), LibDcs::dcs_client_certificate_not_after_unix_ms);
        return milliseconds == Long.MIN_VALUE ? Optional.empty() : Optional.of(Instant.ofEpochMilli(milliseconds));
    }

    /**
     * Closes the client: ends calls in flight, without waiting until they are back. They fail within 100 ms with
     * {@link DcsCode#INTERRUPTED}; to let them finish, wait for them before. Idempotent.
     */
    @Override
    public void close() {
        cleanable.clean();
    }

    /**
     * Collects what a client is made from.
     *
     * <p>The library judges url, proxy and timeouts when they are set, and the files when the client is built. A
     * file is given as its path or as its bytes; the later call counts. Certificate and private key go
     * together; without both, a client can be made, and the server then says what it thinks of that.
     *
     * <p>For one thread and one use: {@link #build()} or {@link #diagnose()} can be called once, succeed or fail,
     * after which the builder holds no secrets any more and every method throws {@link IllegalStateException}. To
     * do both, have a method that makes the builder.
     */
    public static final class Builder {
        private final NativeConfig config = new NativeConfig();

        private Builder() {
        }

        /**
         * Sets the endpoint's full URL, which is used as it is. Default: the DCS's integration endpoint.
         *
         * @param url an https URL
         * @return this builder
         * @throws DcsConfigException where the library does not take the URL
         */
        public Builder url(URI url) {
            config.setOption("url", url.toString());
            return this;
        }

        /**
         * Sets the file of CA certificates (PEM, DER, PKCS#7 or PKCS#12) that the server's certificate is checked with.
         *
         * @param file the path, read when the client is built
         * @return this builder
         */
        public Builder caBundle(Path file) {
            byte[] path = NativeText.encode(file);
            config.set("the CA bundle", address -> LibDcs.dcs_config_set_ca_bundle_file(address, path));
            return this;
        }

        /**
         * Sets the CA certificates that the server's certificate is checked with: the content of such a file.
         *
         * @param content what the file would contain; copied
         * @return this builder
         */
        public Builder caBundle(byte[] content) {
            setBytes("the CA bundle", content, LibDcs::dcs_config_set_ca_bundle);
            return this;
        }

        /**
         * Sets the file of the client certificate (PEM, DER, PKCS#7 or PKCS#12), with or without its chain.
         *
         * @param file the path, read when the client is built
         * @return this builder
         */
        public Builder certificate(Path file) {
            byte[] path = NativeText.encode(file);
            config.set("the certificate", address -> LibDcs.dcs_config_set_certificate_file(address, path));
            return this;
        }

        /**
         * Sets the client certificate, with or without its chain: the content of such a file.
         *
         * @param content what the file would contain; copied
         * @return this builder
         */
        public Builder certificate(byte[] content) {
            setBytes("the certificate", content, LibDcs::dcs_config_set_certificate);
            return this;
        }

        /**
         * Sets the file of the client certificate's private key (PEM, DER or PKCS#12). Default: the key in the
         * certificate's file, where there is one.
         *
         * @param file the path, read when the client is built
         * @return this builder
         */
        public Builder privateKey(Path file) {
            byte[] path = NativeText.encode(file);
            config.set("the private key", address -> LibDcs.dcs_config_set_private_key_file(address, path));
            return this;
        }

        /**
         * Sets the client certificate's private key: the content of such a file.
         *
         * @param content what the file would contain; copied to memory outside the Java heap that is wiped after use.
         *     The array stays the caller's and can be wiped as soon as this method has returned.
         * @return this builder
         */
        public Builder privateKey(byte[] content) {
            setBytes("the private key", content, LibDcs::dcs_config_set_private_key);
            return this;
        }

        /**
         * Sets the password of an encrypted private key or PKCS#12 store. Default: none.
         *
         * @param password the password, copied to memory outside the Java heap that is wiped after use, or null
         *     for none. The array stays the caller's and can be wiped as soon as this method has returned.
         * @return this builder
         * @throws IllegalArgumentException where the password contains a NUL character or half of a surrogate pair
         */
        public Builder password(char[] password) {
            if (password == null) {
                config.set("the password", address -> LibDcs.dcs_config_set_private_key_password(address, 0));
                return this;
            }
            try (SecretMemory secret = SecretMemory.ofPassword(password)) {
                config.set("the password",
                        address -> LibDcs.dcs_config_set_private_key_password(address, secret.address()));
            }
            return this;
        }

        /**
         * Sets the time limit for a whole call. Default: 30 seconds.
         *
         * @param timeout the limit, in whole milliseconds; a fraction is rounded up
         * @return this builder
         * @throws DcsConfigException where the limit is not positive, or too long for the library
         */
        public Builder timeout(Duration timeout) {
            config.setOption("timeout_ms", milliseconds(timeout));
            return this;
        }

        /**
         * Sets the time limit for making a connection: DNS, TCP and TLS. Default: 10 seconds.
         *
         * @param timeout the limit, in whole milliseconds; a fraction is rounded up
         * @return this builder
         * @throws DcsConfigException where the limit is not positive, or too long for the library
         */
        public Builder connectTimeout(Duration timeout) {
            config.setOption("connect_timeout_ms", milliseconds(timeout));
            return this;
        }

        /**
         * Sets how often a call first looks whether the files have changed, and reads them again where they have, as
         * {@link DcsClient#reload()} does. What cannot be used is told in the log, and the client goes on with what it
         * had. Default: never.
         *
         * @param interval the time between two looks, in whole milliseconds; a fraction is rounded up; zero for never
         * @return this builder
         * @throws DcsConfigException where the interval is negative, or too long for the library
         */
        public Builder reloadInterval(Duration interval) {
            config.setOption("reload_interval_ms", milliseconds(interval));
            return this;
        }

        /**
         * Sets whether the client sends nothing while the service has asked it to wait ({@code Retry-After} of a 429 or
         * 503, of an hour at most). Such a call fails at once, with that answer's code and the time that is left in
         * {@link DcsException#retryAfter()}. Default: false, it sends.
         *
         * @param on whether to keep to it
         * @return this builder
         */
        public Builder honourRetryAfter(boolean on) {
            config.setOption("honour_retry_after", on ? "1" : "0");
            return this;
        }

        /**
         * Sets how old a status may be to answer a call without asking the DCS again; {@link DcsStatus#age()} tells its
         * age. With it a client has a single call in flight: threads that ask meanwhile wait for its answer, and
         * share it, a failure too. Default: every call asks.
         *
         * @param age the greatest age, in whole milliseconds; a fraction is rounded up; zero to have every call ask
         * @return this builder
         * @throws DcsConfigException where the age is negative, or too long for the library
         */
        public Builder statusMaxAge(Duration age) {
            config.setOption("status_max_age_ms", milliseconds(age));
            return this;
        }

        /**
         * Sets a proxy to reach the DCS through (HTTP CONNECT). Default: none, whatever the JVM's proxy settings say.
         *
         * @param proxy {@code http://[user:password@]host:port}, or null for none
         * @return this builder
         * @throws DcsConfigException where the library does not take the URL
         */
        public Builder proxy(URI proxy) {
            if (proxy == null) {
                config.set("the proxy", address -> LibDcs.dcs_config_set_proxy(address, null));
            } else {
                config.setOption("proxy", proxy.toString());
            }
            return this;
        }

        /**
         * Reads the files and makes the client. Nothing is sent yet.
         *
         * @return the client
         * @throws DcsConfigException where a file cannot be used; the message names it
         */
        public DcsClient build() {
            try (config) {
                return new DcsClient(LogBridge.during(config::newClient));
            }
        }

        /**
         * Checks everything from the files to the service's answer, and says what is wrong. Takes also what no
         * client can be made from: a file that is missing, a key that is not the certificate's or an expired
         * certificate is a finding of the report, and every check that still can be made is made.
         *
         * <p>Connects to the service and makes the status call, and waits for the end within the builder's time
         * limits, in a native call (see {@link DcsClient} on virtual threads). Reads the three files and, where the
         * server's certificate is not trusted, the CA certificates that this machine trusts; nothing is written.
         *
         * @return what was found
         */
        public DcsReport diagnose() {
            try (config) {
                return LogBridge.during(config::diagnose);
            }
        }

        private void setBytes(String what, byte[] bytes, BytesSetter setter) {
            try (SecretMemory memory = SecretMemory.ofBytes(bytes)) {
                config.set(what, address -> setter.set(address, memory.address(), memory.length()));
            }
        }

        /** As text, since the library has the words for a value that is not a time limit. */
        private static String milliseconds(Duration duration) {
            BigDecimal seconds = BigDecimal.valueOf(duration.getSeconds());
            return seconds.add(BigDecimal.valueOf(duration.getNano(), 9))
                    .movePointRight(3)
                    .setScale(0, RoundingMode.CEILING)
                    .toPlainString();
        }

        /** One of the native functions that take a file's bytes. */
        private interface BytesSetter {
            int set(long config, long data, long length);
        }
    }
}
