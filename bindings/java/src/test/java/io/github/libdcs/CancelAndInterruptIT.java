package io.github.libdcs;

import static java.util.concurrent.TimeUnit.MILLISECONDS;
import static java.util.concurrent.TimeUnit.SECONDS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Calls that are ended before their answer is there. */
@Timeout(300)
class CancelAndInterruptIT {
    private static final int THREADS = 16;

    private final ExecutorService threads = Executors.newCachedThreadPool();
    private Relay relay;
    private DcsClient client;

    @BeforeEach
    void open() throws Exception {
        relay = new Relay("tls12_close", "/checks/passport");
        client = relay.builder().build();
    }

    @AfterEach
    void close() throws Exception {
        client.close();
        relay.close();
        threads.shutdownNow();
    }

    /** All ways in which a future can be completed from outside. */
    static Stream<Consumer<CompletableFuture<DcsStatus>>> completions() {
        return Stream.of(
                future -> future.cancel(false),
                future -> future.completeExceptionally(new IllegalStateException("no longer wanted")),
                future -> future.orTimeout(1, MILLISECONDS),
                future -> future.complete(null));
    }

    @ParameterizedTest
    @MethodSource("completions")
    void aFutureThatIsCompletedEndsItsCallAndNoOther(Consumer<CompletableFuture<DcsStatus>> complete)
            throws Exception {
        CompletableFuture<DcsStatus> ended = client.statusAsync();
        Relay.Connection first = relay.next();
        CompletableFuture<DcsStatus> other = client.statusAsync();
        Relay.Connection second = relay.next();
        complete.accept(ended);
        first.awaitEnd();
        second.handOn();
        assertTrue(other.get(60, SECONDS).available());
    }

    @Test
    void aCancelledFutureStaysCancelled() throws Exception {
        ExecutorService executor = Executors.newSingleThreadExecutor();
        try {
            CompletableFuture<DcsStatus> future = client.statusAsync(executor);
            Relay.Connection connection = relay.next();
            assertTrue(future.cancel(true));
            connection.awaitEnd();
        } finally {
            executor.shutdown();
        }
        assertTrue(executor.awaitTermination(60, SECONDS));
    }

    @Test
    void aCallThatWaitsForAThreadIsNeverSent() throws Exception {
        ExecutorService executor = Executors.newSingleThreadExecutor();
        try {
            CompletableFuture<DcsStatus> inFlight = client.statusAsync(executor);
            Relay.Connection connection = relay.next();
            CompletableFuture<DcsStatus> waiting = client.statusAsync(executor);
            assertTrue(waiting.cancel(false));
            assertTrue(inFlight.cancel(false));
            connection.awaitEnd();
        } finally {
            executor.shutdown();
        }
        assertTrue(executor.awaitTermination(60, SECONDS));
        assertTrue(relay.isQuiet());
    }

    @Test
    void manyFutures() throws Exception {
        List<CompletableFuture<DcsStatus>> futures = new ArrayList<>();
        for (int i = 0; i < 500; i++) {
            futures.add(client.statusAsync());
        }
        List<Relay.Connection> connections = new ArrayList<>();
        for (int i = 0; i < THREADS; i++) {
            connections.add(relay.next());
        }
        // The last first, so that none that waits gets a thread.
        Collections.reverse(futures);
        futures.forEach(future -> assertTrue(future.cancel(true)));
        for (Relay.Connection connection : connections) {
            connection.awaitEnd();
        }
        futures.forEach(future -> assertThrows(CancellationException.class, future::join));
        // The threads are free again, and the client works.
        List<CompletableFuture<DcsStatus>> more = new ArrayList<>();
        for (int i = 0; i < THREADS; i++) {
            more.add(client.statusAsync());
        }
        for (int i = 0; i < THREADS; i++) {
            relay.next().handOn();
        }
        for (CompletableFuture<DcsStatus> call : more) {
            assertTrue(call.get(60, SECONDS).available());
        }
        assertTrue(relay.isQuiet());
    }

    @Test
    void cancellingAsTheAnswerComes() throws Exception {
        try (DcsClient direct = Testbed.builder("tls12_keepalive", "/checks/passport").build()) {
            int answered = 0;
            for (int i = 0; i < 500; i++) {
                CompletableFuture<DcsStatus> future = direct.statusAsync();
                if (i % 2 == 0) {
                    assertTrue(direct.status().available()); // takes about as long
                }
                if (!future.cancel(true)) {
                    assertTrue(future.join().available());
                    answered++;
                }
            }
            assertTrue(answered < 500);
            assertTrue(direct.status().available());
        }
    }

    @Test
    void interruptEndsAllCallsAndTheClientGoesOn() throws Exception {
        List<Future<DcsStatus>> calls = new ArrayList<>();
        List<Relay.Connection> connections = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            calls.add(i % 2 == 0 ? threads.submit(client::status) : client.statusAsync());
            connections.add(relay.next());
        }
        client.interrupt();
        for (Future<DcsStatus> call : calls) {
            assertInterrupted(call);
        }
        for (Relay.Connection connection : connections) {
            connection.awaitEnd();
        }
        Future<DcsStatus> next = threads.submit(client::status);
        relay.next().handOn();
        assertTrue(next.get(60, SECONDS).available());
    }

    @Test
    void closeEndsAllCallsAndDoesNotWaitForThem() throws Exception {
        List<Future<DcsStatus>> calls = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            calls.add(i % 2 == 0 ? threads.submit(client::status) : client.statusAsync());
            relay.next();
        }
        client.close();
        assertThrows(IllegalStateException.class, client::status);
        for (Future<DcsStatus> call : calls) {
            assertInterrupted(call);
        }
        assertTrue(client.handle.isFreed());
        client.close();
    }

    /** Calls anywhere between the door and the network; {@link ClientHandleIT} has the narrowest place for certain. */
    @Test
    void closeMissesNoCall() throws Exception {
        for (int round = 0; round < 100; round++) {
            DcsClient closing = relay.builder().build();
            List<Future<DcsStatus>> calls = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                calls.add(i % 2 == 0 ? threads.submit(closing::status) : closing.statusAsync());
            }
            Thread.yield();
            closing.close();
            for (Future<DcsStatus> call : calls) {
                ExecutionException e = assertThrows(ExecutionException.class, () -> call.get(60, SECONDS));
                if (!(e.getCause() instanceof IllegalStateException)) {
                    assertInterrupted(call);
                }
            }
            assertTrue(closing.handle.isFreed());
        }
    }

    @Test
    void interruptingAThreadDoesNotEndItsCall() throws Exception {
        AtomicReference<Thread> thread = new AtomicReference<>();
        Future<Boolean> call = threads.submit(() -> {
            thread.set(Thread.currentThread());
            return client.status().available() && Thread.interrupted();
        });
        Relay.Connection connection = relay.next();
        thread.get().interrupt();
        connection.handOn();
        assertTrue(call.get(60, SECONDS));
    }

    /** As the documentation of {@link DcsClient} has it. */
    @Test
    void aThreadThatMayBeInterruptedCancelsItsFuture() throws Exception {
        Future<DcsStatus> task = threads.submit(() -> {
            CompletableFuture<DcsStatus> call = client.statusAsync();
            try {
                return call.get();
            } catch (InterruptedException e) {
                call.cancel(true);
                throw e;
            }
        });
        Relay.Connection connection = relay.next();
        task.cancel(true);
        connection.awaitEnd();
    }

    @Test
    void aFutureTimesOutAsItIsTold() throws Exception {
        CompletableFuture<DcsStatus> call = client.statusAsync().orTimeout(1, MILLISECONDS);
        ExecutionException e = assertThrows(ExecutionException.class, () -> call.get(60, SECONDS));
        assertInstanceOf(TimeoutException.class, e.getCause());
    }

    @Test
    void aRejectedCallIsNone() {
        ExecutorService executor = Executors.newSingleThreadExecutor();
        executor.shutdown();
        assertThrows(RejectedExecutionException.class, () -> client.statusAsync(executor));
        client.close();
        assertTrue(client.handle.isFreed());
    }

    private static void assertInterrupted(Future<DcsStatus> call) {
        ExecutionException e = assertThrows(ExecutionException.class, () -> call.get(60, SECONDS));
        DcsNetworkException ended = assertInstanceOf(DcsNetworkException.class, e.getCause());
        assertEquals(DcsCode.INTERRUPTED, ended.code());
        assertTrue(ended.message().contains("was interrupted"), ended.message());
        assertFalse(ended.retryable());
        MessageAssertions.assertTellsTheCure(ended);
    }
}
