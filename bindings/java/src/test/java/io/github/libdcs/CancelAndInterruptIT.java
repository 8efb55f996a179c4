package io.github.libdcs;

import static java.util.concurrent.TimeUnit.MILLISECONDS;
import static java.util.concurrent.TimeUnit.NANOSECONDS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Tests calls that are cancelled, interrupted or closed before the response is received. */
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

    /** All ways to complete a future from outside. */
    static Stream<Consumer<CompletableFuture<DcsStatus>>> completions() {
        return Stream.of(
                future -> future.cancel(false),
                future -> future.completeExceptionally(new IllegalStateException("no longer wanted")),
                future -> future.orTimeout(1, MILLISECONDS),
                future -> future.complete(null));
    }

    @ParameterizedTest
    @MethodSource("completions")
    void completingAFutureEndsOnlyItsCall(Consumer<CompletableFuture<DcsStatus>> complete)
            throws Exception {
        CompletableFuture<DcsStatus> completed = client.statusAsync();
        Relay.Connection first = relay.next();
        CompletableFuture<DcsStatus> other = client.statusAsync();
        Relay.Connection second = relay.next();
        complete.accept(completed);
        first.awaitClose();
        second.forward();
        assertTrue(other.get().available());
    }

    @Test
    void cancelledCallThatWaitsForAThreadIsNotSent() throws Exception {
        ExecutorService executor = Executors.newSingleThreadExecutor();
        try {
            CompletableFuture<DcsStatus> inFlight = client.statusAsync(executor);
            Relay.Connection connection = relay.next();
            CompletableFuture<DcsStatus> waiting = client.statusAsync(executor);
            assertTrue(waiting.cancel(false));
            assertTrue(inFlight.cancel(false));
            connection.awaitClose();
        } finally {
            executor.shutdown();
        }
        assertTrue(executor.awaitTermination(Long.MAX_VALUE, NANOSECONDS));
        assertTrue(relay.isIdle());
    }

    @Test
    void cancelManyFutures() throws Exception {
        List<CompletableFuture<DcsStatus>> futures = new ArrayList<>();
        for (int i = 0; i < 500; i++) {
            futures.add(client.statusAsync());
        }
        List<Relay.Connection> connections = new ArrayList<>();
        for (int i = 0; i < THREADS; i++) {
            connections.add(relay.next());
        }
        // In reverse, so that no waiting call gets a thread.
        Collections.reverse(futures);
        futures.forEach(future -> assertTrue(future.cancel(true)));
        for (Relay.Connection connection : connections) {
            connection.awaitClose();
        }
        futures.forEach(future -> assertThrows(CancellationException.class, future::join));
        // Now the threads are free again, and the client works.
        List<CompletableFuture<DcsStatus>> more = new ArrayList<>();
        for (int i = 0; i < THREADS; i++) {
            more.add(client.statusAsync());
        }
        for (int i = 0; i < THREADS; i++) {
            relay.next().forward();
        }
        for (CompletableFuture<DcsStatus> call : more) {
            assertTrue(call.get().available());
        }
        assertTrue(relay.isIdle());
    }

    @Test
    void cancelWhileTheResponseArrives() throws Exception {
        try (DcsClient direct = Testbed.builder("tls12_keepalive", "/checks/passport").build()) {
            int completed = 0;
            for (int i = 0; i < 500; i++) {
                CompletableFuture<DcsStatus> future = direct.statusAsync();
                if (i % 2 == 0) {
                    assertTrue(direct.status().available()); // takes about as long
                }
                if (!future.cancel(true)) {
                    assertTrue(future.join().available());
                    completed++;
                }
            }
            assertTrue(completed < 500);
            assertTrue(direct.status().available());
        }
    }

    @Test
    void interruptEndsAllCallsAndTheClientStaysUsable() throws Exception {
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
            connection.awaitClose();
        }
        Future<DcsStatus> next = threads.submit(client::status);
        relay.next().forward();
        assertTrue(next.get().available());
    }

    @Test
    void closeEndsAllCallsWithoutWaiting() throws Exception {
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

    /** Closes while calls are anywhere before the network; {@link ClientHandleIT} tests the narrowest case reliably. */
    @Test
    void closeDuringTheStartOfCalls() throws Exception {
        for (int round = 0; round < 100; round++) {
            DcsClient closing = relay.builder().build();
            List<Future<DcsStatus>> calls = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                calls.add(i % 2 == 0 ? threads.submit(closing::status) : closing.statusAsync());
            }
            Thread.yield();
            closing.close();
            for (Future<DcsStatus> call : calls) {
                ExecutionException e = assertThrows(ExecutionException.class, () -> call.get());
                if (!(e.getCause() instanceof IllegalStateException)) {
                    assertInterrupted(call);
                }
            }
            assertTrue(closing.handle.isFreed());
        }
    }

    @Test
    void threadInterruptDoesNotEndACall() throws Exception {
        AtomicReference<Thread> thread = new AtomicReference<>();
        Future<Boolean> call = threads.submit(() -> {
            thread.set(Thread.currentThread());
            return client.status().available() && Thread.interrupted();
        });
        Relay.Connection connection = relay.next();
        thread.get().interrupt();
        connection.forward();
        assertTrue(call.get());
    }

    /** As in the documentation of {@link DcsClient}. */
    @Test
    void interruptedThreadCancelsItsFuture() throws Exception {
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
        connection.awaitClose();
    }

    @Test
    void orTimeout() throws Exception {
        CompletableFuture<DcsStatus> call = client.statusAsync().orTimeout(1, MILLISECONDS);
        ExecutionException e = assertThrows(ExecutionException.class, () -> call.get());
        assertInstanceOf(TimeoutException.class, e.getCause());
    }

    @Test
    void executorRunsATaskTwice() throws Exception {
        List<Runnable> tasks = new ArrayList<>();
        CompletableFuture<DcsStatus> call = client.statusAsync(tasks::add);
        threads.submit(tasks.get(0));
        Relay.Connection connection = relay.next();
        tasks.get(0).run(); // A second call would share the first one's cancellation.
        assertTrue(relay.isIdle());
        connection.forward();
        assertTrue(call.get().available());
    }

    @Test
    void exitDuringCalls() throws Exception {
        for (int round = 0; round < 3; round++) {
            assertEquals("done", ChildJvm.run(ExitDuringCalls.class, Map.of()));
        }
    }

    /** Ends the JVM while threads make calls and a hook closes the client. */
    static final class ExitDuringCalls {
        private ExitDuringCalls() {
        }

        public static void main(String[] arguments) throws Exception {
            DcsClient client = Testbed.builder("tls12_keepalive", "/checks/passport").build();
            Runtime.getRuntime().addShutdownHook(new Thread(client::close));
            CountDownLatch started = new CountDownLatch(THREADS);
            for (int i = 0; i < THREADS; i++) {
                new Thread(() -> {
                    try {
                        while (client.status().available()) {
                            started.countDown();
                        }
                    } catch (IllegalStateException | DcsNetworkException e) {
                        return; // It is closed.
                    }
                }).start();
            }
            started.await();
            System.out.println("done");
            System.exit(0);
        }
    }

    @Test
    void executorRejectsTheCall() {
        ExecutorService executor = Executors.newSingleThreadExecutor();
        executor.shutdown();
        assertThrows(RejectedExecutionException.class, () -> client.statusAsync(executor));
        client.close();
        assertTrue(client.handle.isFreed());
    }

    private static void assertInterrupted(Future<DcsStatus> call) {
        ExecutionException e = assertThrows(ExecutionException.class, () -> call.get());
        DcsNetworkException interrupted = assertInstanceOf(DcsNetworkException.class, e.getCause());
        assertEquals(DcsCode.INTERRUPTED, interrupted.code());
        assertTrue(interrupted.message().contains("was interrupted"), interrupted.message());
        assertFalse(interrupted.retryable());
        MessageAssertions.assertTraceShowsHint(interrupted);
    }
}
