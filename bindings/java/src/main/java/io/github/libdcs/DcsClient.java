package io.github.libdcs;

import java.lang.ref.Cleaner;
import java.lang.ref.Reference;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongFunction;

/**
 * Makes the DCS's status call over mutual TLS.
 *
 * <p>Create one client and keep it for as long as the service runs; any number of threads may share it. It holds the
 * connections that the server keeps alive and the TLS sessions to resume. It reads its files when it is built, and
 * again on {@link #reload()} or after {@link Builder#reloadInterval(Duration)}.
 *
 * <p><b>Closing</b> is idempotent and returns at once. Calls in flight end within 100 ms with
 * {@link DcsCode#INTERRUPTED}, and the last of them frees the native client. Later calls throw
 * {@link IllegalStateException}. A client that is never closed is freed some time after it has become unreachable.
 *
 * <p><b>Virtual threads</b>: {@link #status()} blocks in a native call, which pins a virtual thread to its carrier. In
 * a virtual thread, call {@code client.statusAsync().join()} instead.
 *
 * <p><b>Interruption</b>: {@link #interrupt()} ends every call in flight; cancelling the future of
 * {@link #statusAsync()} ends that call. {@link Thread#interrupt()} has no effect on a native call: {@link #status()}
 * returns its result or times out, and the thread's interrupt status stays set. In a thread that may be interrupted,
 * wait for a future and cancel it:
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
    /** Package-private so that tests can see when it is freed. Transient, so that mappers do not print or set it. */
    final transient ClientHandle handle;

    private final transient Cleaner.Cleanable cleanable;

    private DcsClient(ClientHandle handle) {
        this.handle = handle;
        cleanable = NativeCleaner.register(this, handle);
    }

    /** Takes ownership of a native client. Not a constructor: see {@link DcsStatus#read}. */
    private static DcsClient own(long address) {
        return new DcsClient(new ClientHandle(address, LibDcs::dcs_client_free));
    }

    /**
     * Returns a new builder, with every option at its default.
     *
     * @return the builder
     * @throws DcsLoadException if the native library cannot be loaded
     */
    public static Builder builder() {
        return new Builder();
    }

    /**
     * Creates a client from environment variables: {@code DCS_URL}, {@code DCS_CA_BUNDLE}, {@code DCS_CERTIFICATE},
     * {@code DCS_PRIVATE_KEY}, and those of the other options, which {@code dcs_config_load_env} in the C header lists.
     * Each of the three files is given as a path, PEM or base64. A variable that is not set or empty leaves its option
     * at the default. Only this method and {@link #diagnoseFromEnvironment()} read these variables.
     *
     * @return the client
     * @throws DcsConfigException if a variable or a file is invalid; the message names it
     * @throws DcsLoadException if the native library cannot be loaded
     */
    public static DcsClient fromEnvironment() {
        try (NativeConfig config = new NativeConfig()) {
            config.loadEnvironment();
            return own(LogBridge.during(config::newClient));
        }
    }

    /**
     * Checks the options from the environment variables of {@link #fromEnvironment()}, from the files to the service's
     * response, as {@link Builder#diagnose()} does.
     *
     * @return the report
     * @throws DcsConfigException if a variable has a value that its option does not accept, such as a URL that is not
     *     https; the message names it, and nothing has been sent
     * @throws DcsLoadException if the native library cannot be loaded
     */
    public static DcsReport diagnoseFromEnvironment() {
        try (NativeConfig config = new NativeConfig()) {
            config.loadEnvironment();
            return LogBridge.during(config::diagnose);
        }
    }

    /**
     * Requests the status from the DCS and waits for the response, at most until the timeout.
     *
     * @return the status, which may be that the DCS is not available
     * @throws DcsNetworkException if the DCS cannot be reached, or not in time; with {@link DcsCode#INTERRUPTED} if
     *     {@link #close()} or {@link #interrupt()} ended the call
     * @throws DcsTlsException if one side rejects the other's certificate, or TLS fails for another reason
     * @throws DcsServiceException if the DCS responds with an error, or with anything else than a status
     * @throws IllegalStateException if the client is closed
     */
    public DcsStatus status() {
        return status(new Cancellation());
    }

    private DcsStatus status(Cancellation cancellation) {
        return LogBridge.during(() -> withNativeClient(cancellation, client -> call(client, cancellation)));
    }

    /**
     * Runs an operation on the native client, which is not freed meanwhile.
     *
     * @throws IllegalStateException if the client is closed
     */
    private <T> T withNativeClient(Cancellation cancellation, LongFunction<T> operation) {
        try {
            long client = handle.enter(cancellation);
            try {
                return operation.apply(client);
            } finally {
                handle.leave(cancellation);
            }
        } finally {
            // Otherwise the cleaner could close a client whose last use is this call just before enter().
            Reference.reachabilityFence(this);
        }
    }

    private static DcsStatus call(long client, Cancellation cancellation) {
        long[] response = new long[1];
        long[] error = new long[1];
        int code;
        long nativeCancellation = cancellation.enter();
        try {
            code = LibDcs.dcs_status_until(client, nativeCancellation, response, error);
        } finally {
            cancellation.leave();
        }
        ErrorDetails.check(code, "The status call", error);
        try {
            return DcsStatus.read(response[0]);
        } finally {
            LibDcs.dcs_status_response_free(response[0]);
        }
    }

    /**
     * Calls {@link #status()} on one of at most 16 platform threads, which all clients share. They are daemon threads
     * and end after being idle for a while. Further calls wait for a free thread.
     *
     * <p>The future fails with the exception of {@link #status()}. {@link CompletableFuture#join()} wraps it in a
     * {@link java.util.concurrent.CompletionException}, {@link CompletableFuture#get()} in an
     * {@link java.util.concurrent.ExecutionException}.
     *
     * <p>Cancelling the future ends the call within 100 ms, as does completing it in any other way, such as by
     * {@link CompletableFuture#orTimeout}. A call that still waits for a thread is then never made. Keep this future to
     * cancel it: as always with {@code CompletableFuture}, cancelling a future derived from it has no effect on it.
     *
     * @return the future status
     */
    public CompletableFuture<DcsStatus> statusAsync() {
        return statusAsync(StatusExecutor.executor());
    }

    /**
     * Calls {@link #status()} on the given executor, otherwise as {@link #statusAsync()}. A call that is cancelled
     * before the executor runs it is not made.
     *
     * @param executor runs the blocking call; it should have platform threads, and not be
     *     {@link java.util.concurrent.ForkJoinPool#commonPool()}
     * @return the future status
     * @throws java.util.concurrent.RejectedExecutionException if the executor rejects the call
     */
    public CompletableFuture<DcsStatus> statusAsync(Executor executor) {
        Objects.requireNonNull(executor, "executor");
        CompletableFuture<DcsStatus> future = new CompletableFuture<>();
        Cancellation cancellation = new Cancellation();
        future.whenComplete((status, failure) -> cancellation.cancel());
        AtomicBoolean started = new AtomicBoolean();
        executor.execute(() -> {
            // An executor may run a task again. Two calls must not share a cancellation, which is freed after each.
            if (!started.getAndSet(true) && !future.isDone()) {
                complete(future, cancellation);
            }
        });
        return future;
    }

    private void complete(CompletableFuture<DcsStatus> future, Cancellation cancellation) {
        DcsStatus status;
        try {
            status = status(cancellation);
        } catch (Throwable e) { // Anything uncaught would be lost in the executor.
            future.completeExceptionally(e);
            return;
        }
        future.complete(status);
    }

    /**
     * Reads the files again. Calls that start afterwards use the new content; calls in flight are not affected. If a
     * file is invalid, the client keeps using all of the previous files.
     *
     * <p>To make this possible, a client whose certificate or key comes from a file keeps the password. If only one of
     * the two comes from a file, it also keeps the other's content. Both are in native memory that is wiped when the
     * client is freed.
     *
     * @throws DcsConfigException if a file is invalid, as for {@link Builder#build()}, or if the client was built from
     *     no file
     * @throws IllegalStateException if the client is closed
     * @see Builder#reloadInterval(Duration)
     */
    public void reload() {
        LogBridge.during(() -> withNativeClient(new Cancellation(), client -> {
            long[] error = new long[1];
            ErrorDetails.check(LibDcs.dcs_client_reload(client, error), "Reloading the files", error);
            return null;
        }));
    }

    /**
     * Ends every call in flight within 100 ms, with {@link DcsCode#INTERRUPTED}. Returns at once. The client stays
     * usable: later calls are not affected, nor those of {@link #statusAsync()} that still wait for a thread.
     *
     * @throws IllegalStateException if the client is closed, which ends its calls anyway
     */
    public void interrupt() {
        withNativeClient(new Cancellation(), client -> {
            ErrorDetails.check(LibDcs.dcs_client_interrupt(client), "Interrupting the calls");
            return null;
        });
    }

    /**
     * Returns when the client certificate expires, for monitoring. {@link #reload()} may change it.
     *
     * @return the instant, or empty if no certificate is configured or its dates cannot be read
     * @throws IllegalStateException if the client is closed
     */
    public Optional<Instant> certificateNotAfter() {
        long milliseconds =
                withNativeClient(new Cancellation(), LibDcs::dcs_client_certificate_not_after_unix_ms);
        return milliseconds == Long.MIN_VALUE ? Optional.empty() : Optional.of(Instant.ofEpochMilli(milliseconds));
    }

    /**
     * Closes the client and ends its calls, without waiting for them. They fail within 100 ms with
     * {@link DcsCode#INTERRUPTED}; to avoid that, wait for them before closing. Idempotent.
     */
    @Override
    public void close() {
        cleanable.clean();
    }

    /**
     * Returns the endpoint and the time limit of a call, for logs; no secret, and neither path nor query of the URL.
     *
     * @return text such as {@code DcsClient[peer=example.org:443, timeout=PT30S]}
     */
    @Override
    public String toString() {
        try {
            return withNativeClient(new Cancellation(), client -> {
                long timeout = Integer.toUnsignedLong(LibDcs.dcs_client_timeout_ms(client));
                return "DcsClient[peer=" + NativeText.decode(LibDcs.dcs_client_peer(client)) + ", timeout="
                        + Duration.ofMillis(timeout) + "]";
            });
        } catch (IllegalStateException e) {
            return "DcsClient[closed]";
        }
    }

    /**
     * Collects the options of a client.
     *
     * <p>Options are validated when they are set, and files when the client is built. If an option is rejected,
     * {@link #build()} and {@link #diagnose()} report it again until it is set to a valid value.
     *
     * <p>A file is given as its path or as its content; the last call counts. Certificate and private key go together.
     * A client can be created without both; the server will then reject it.
     *
     * <p>A builder is for one use. After {@link #build()} or {@link #diagnose()}, whether they succeed or fail, it holds
     * no secrets and every method throws {@link IllegalStateException}. If several threads share it, each of its methods
     * waits until the others have returned.
     */
    public static final class Builder {
        /** Transient, so that mappers do not print or set it. */
        private final transient NativeConfig config = new NativeConfig();

        private Builder() {
        }

        /**
         * Sets the endpoint's full URL, which is used as it is. Default: the DCS's integration endpoint.
         *
         * @param url an https URL
         * @return this builder
         * @throws DcsConfigException if the library rejects the URL
         */
        public Builder url(URI url) {
            return setOption("url", Objects.requireNonNull(url, "url").toString());
        }

        /**
         * Sets the file of the CA certificates that the server's certificate must lead to (PEM, DER, PKCS#7 or
         * PKCS#12).
         *
         * @param file the path, read when the client is built
         * @return this builder
         */
        public Builder caBundle(Path file) {
            return setFile("caBundle", file, LibDcs::dcs_config_set_ca_bundle_file);
        }

        /**
         * Sets the CA certificates that the server's certificate must lead to: the content of such a file.
         *
         * @param content the file's content; copied
         * @return this builder
         */
        public Builder caBundle(byte[] content) {
            return setBytes("caBundle", content, LibDcs::dcs_config_set_ca_bundle);
        }

        /**
         * Sets the file of the client certificate, with or without its chain (PEM, DER, PKCS#7 or PKCS#12).
         *
         * @param file the path, read when the client is built
         * @return this builder
         */
        public Builder certificate(Path file) {
            return setFile("certificate", file, LibDcs::dcs_config_set_certificate_file);
        }

        /**
         * Sets the client certificate, with or without its chain: the content of such a file.
         *
         * @param content the file's content; copied
         * @return this builder
         */
        public Builder certificate(byte[] content) {
            return setBytes("certificate", content, LibDcs::dcs_config_set_certificate);
        }

        /**
         * Sets the file of the client certificate's private key (PEM, DER or PKCS#12). Default: the key in the
         * certificate's file, if it holds one.
         *
         * @param file the path, read when the client is built
         * @return this builder
         */
        public Builder privateKey(Path file) {
            return setFile("privateKey", file, LibDcs::dcs_config_set_private_key_file);
        }

        /**
         * Sets the client certificate's private key: the content of such a file.
         *
         * @param content the file's content; copied to memory outside the Java heap that is wiped after use. The caller
         *     may wipe the array when this method has returned.
         * @return this builder
         */
        public Builder privateKey(byte[] content) {
            return setBytes("privateKey", content, LibDcs::dcs_config_set_private_key);
        }

        /**
         * Sets the password of an encrypted private key or PKCS#12 store. Default: none.
         *
         * @param password the password, copied to memory outside the Java heap that is wiped after use, or null for
         *     none. The caller may wipe the array when this method has returned.
         * @return this builder
         * @throws IllegalArgumentException if the password contains a NUL character or an unpaired surrogate
         */
        public Builder password(char[] password) {
            try (SecretMemory memory = SecretMemory.ofPassword(password)) {
                long text = memory == null ? 0 : memory.address();
                config.set("password", address -> LibDcs.dcs_config_set_private_key_password(address, text));
            }
            return this;
        }

        /**
         * Sets the time limit for the whole call. Default: 30 seconds.
         *
         * @param timeout the limit, in milliseconds; a fraction is rounded up
         * @return this builder
         * @throws DcsConfigException if the limit is not positive, or too long for the library
         */
        public Builder timeout(Duration timeout) {
            return setOption("timeout_ms", milliseconds("timeout", timeout));
        }

        /**
         * Sets the time limit for connecting: host name lookup, TCP and TLS. Default: 10 seconds.
         *
         * @param timeout the limit, in milliseconds; a fraction is rounded up
         * @return this builder
         * @throws DcsConfigException if the limit is not positive, or too long for the library
         */
        public Builder connectTimeout(Duration timeout) {
            return setOption("connect_timeout_ms", milliseconds("connectTimeout", timeout));
        }

        /**
         * Sets how often a call checks whether the files have changed, and if so reads them again as
         * {@link DcsClient#reload()} does. If a file is invalid, the client logs an error and keeps using the previous
         * files. Default: never.
         *
         * @param interval the time between two checks, in milliseconds; a fraction is rounded up; zero for never
         * @return this builder
         * @throws DcsConfigException if the interval is negative, or too long for the library
         */
        public Builder reloadInterval(Duration interval) {
            return setOption("reload_interval_ms", milliseconds("reloadInterval", interval));
        }

        /**
         * Sets whether the client sends nothing while the service has asked it to wait ({@code Retry-After} of a 429 or
         * 503, at most an hour). Such a call fails at once with the code of that response;
         * {@link DcsException#retryAfter()} returns the remaining time. Default: false, it sends.
         *
         * @param on whether to wait
         * @return this builder
         */
        public Builder honourRetryAfter(boolean on) {
            return setOption("honour_retry_after", on ? "1" : "0");
        }

        /**
         * Sets the greatest age of a status that may be returned without asking the DCS again; see
         * {@link DcsStatus#age()}. The client then has a single call in flight: other threads wait for its result and
         * share it, even if it fails. Default: every call asks the DCS.
         *
         * @param age the age, in milliseconds; a fraction is rounded up; zero if every call is to ask
         * @return this builder
         * @throws DcsConfigException if the age is negative, or too long for the library
         */
        public Builder statusMaxAge(Duration age) {
            return setOption("status_max_age_ms", milliseconds("statusMaxAge", age));
        }

        /**
         * Sets an HTTP proxy to reach the DCS through (CONNECT). Default: none; the JVM's proxy settings are not used.
         *
         * @param proxy {@code http://[user:password@]host:port}, or null for none
         * @return this builder
         * @throws DcsConfigException if the library rejects the URL
         */
        public Builder proxy(URI proxy) {
            if (proxy != null) {
                return setOption("proxy", proxy.toString());
            }
            config.set("proxy", address -> LibDcs.dcs_config_set_proxy(address, null));
            return this;
        }

        /**
         * Reads the files and creates the client. Nothing is sent yet.
         *
         * @return the client
         * @throws DcsConfigException if a file is invalid or an option was rejected; the message names it
         */
        public DcsClient build() {
            try (config) {
                return own(LogBridge.during(config::newClient));
            }
        }

        /**
         * Checks everything from the files to the service's response, and reports what is wrong. It also accepts
         * options that no client can be created from. A missing file, a key that does not match the certificate, or an
         * expired certificate is a finding of the report. Every other check is still made.
         *
         * <p>Connects to the service and makes the status call, within the builder's time limits. It blocks in a native
         * call; see {@link DcsClient} on virtual threads. Reads the three files and, if the server's certificate is not
         * trusted, the CA certificates that this machine trusts. Writes nothing.
         *
         * @return the report
         * @throws DcsConfigException if an option was rejected; the message names it
         */
        public DcsReport diagnose() {
            try (config) {
                return LogBridge.during(config::diagnose);
            }
        }

        private Builder setOption(String name, String value) {
            config.setOption(name, value);
            return this;
        }

        private Builder setFile(String name, Path file, FileSetter setter) {
            byte[] path = NativeText.encode(Objects.requireNonNull(file, name));
            config.set(name, address -> setter.set(address, path));
            return this;
        }

        private Builder setBytes(String name, byte[] bytes, BytesSetter setter) {
            try (SecretMemory memory = SecretMemory.ofBytes(Objects.requireNonNull(bytes, name))) {
                config.set(name, address -> setter.set(address, memory.address(), memory.length()));
            }
            return this;
        }

        /** Returns the time as text, because the library describes an invalid value better. */
        private static String milliseconds(String name, Duration duration) {
            BigDecimal seconds = BigDecimal.valueOf(Objects.requireNonNull(duration, name).getSeconds());
            return seconds.add(BigDecimal.valueOf(duration.getNano(), 9))
                    .movePointRight(3)
                    .setScale(0, RoundingMode.CEILING)
                    .toPlainString();
        }

        /** One of the native functions that take a file's path. */
        private interface FileSetter {
            int set(long config, byte[] path);
        }

        /** One of the native functions that take a file's content. */
        private interface BytesSetter {
            int set(long config, long data, long length);
        }
    }
}
