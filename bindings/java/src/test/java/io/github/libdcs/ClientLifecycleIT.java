package io.github.libdcs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Tests threads, closing and asynchronous calls. */
class ClientLifecycleIT {
    private static final String PASSPORT = "/checks/passport";
    private static final int THREADS = 16;

    @ParameterizedTest
    @ValueSource(strings = {"tls12_keepalive", "tls12_close"})
    void sixteenThreadsShareOneClient(String listener) throws Exception {
        int calls = 10_000;
        try (DcsClient client = Testbed.builder(listener, "/outages").build()) {
            List<DcsOutage> expected = client.status().scheduledOutages();
            assertEquals(2, expected.size());
            String json = client.status().json();
            List<Integer> results = onThreads(() -> {
                int succeeded = 0;
                for (int i = 0; i < calls / THREADS; i++) {
                    DcsStatus status = client.status();
                    if (status.scheduledOutages().equals(expected) && status.json().equals(json)) {
                        succeeded++;
                    }
                }
                return succeeded;
            });
            assertEquals(calls, results.stream().mapToInt(Integer::intValue).sum());
        }
    }

    @Test
    void callAfterClose() {
        DcsClient client = Testbed.builder("tls12_keepalive", PASSPORT).build();
        assertTrue(client.status().available());
        assertFalse(client.handle.isFreed());
        client.close();
        assertTrue(client.handle.isFreed());
        client.close();
        assertTrue(assertThrows(IllegalStateException.class, client::status).getMessage().contains("closed"));
        CompletableFuture<DcsStatus> future = client.statusAsync();
        ExecutionException e = assertThrows(ExecutionException.class, () -> future.get());
        assertInstanceOf(IllegalStateException.class, e.getCause());
    }

    @Test
    void toStringShowsPeerAndTimeout() {
        URI url = Testbed.url("tls12_close", PASSPORT);
        DcsClient client = Testbed.builder("tls12_close", PASSPORT).build();
        assertEquals("DcsClient[peer=" + url.getAuthority() + ", timeout=PT30S]", client.toString());
        client.close();
        assertEquals("DcsClient[closed]", client.toString());
    }

    @ParameterizedTest
    @ValueSource(strings = {"tls12_keepalive", "tls12_close"})
    void closeDuringCalls(String listener) throws Exception {
        for (int round = 0; round < 20; round++) {
            DcsClient client = Testbed.builder(listener, PASSPORT).build();
            CountDownLatch started = new CountDownLatch(THREADS);
            FutureTask<Void> closing = new FutureTask<>(() -> {
                started.await();
                client.close();
                return null;
            });
            new Thread(closing).start();
            List<Integer> results = onThreads(() -> {
                int succeeded = 0;
                try {
                    while (client.status().available()) {
                        if (succeeded++ == 0) {
                            started.countDown();
                        }
                    }
                } catch (IllegalStateException e) {
                    return succeeded;
                } catch (DcsNetworkException e) {
                    assertEquals(DcsCode.INTERRUPTED, e.code());
                    return succeeded;
                }
                throw new AssertionError("not available");
            });
            closing.get();
            assertTrue(client.handle.isFreed());
            assertTrue(results.stream().allMatch(count -> count > 0), results.toString());
        }
    }

    @Test
    void unreachableClientIsFreed() {
        ClientHandle handle = handleOfUnreachableClient();
        while (!handle.isFreed()) {
            System.gc();
            Thread.yield();
        }
    }

    private static ClientHandle handleOfUnreachableClient() {
        DcsClient client = Testbed.builder("tls12_keepalive", PASSPORT).build();
        assertTrue(client.status().available());
        return client.handle;
    }

    @Test
    void asynchronousCalls() throws Exception {
        try (DcsClient client = Testbed.builder("tls12_keepalive", PASSPORT).build()) {
            List<CompletableFuture<DcsStatus>> calls = new ArrayList<>();
            for (int i = 0; i < 100; i++) {
                calls.add(client.statusAsync());
            }
            for (CompletableFuture<DcsStatus> call : calls) {
                assertTrue(call.get().available());
            }
            List<Runnable> tasks = new ArrayList<>();
            CompletableFuture<DcsStatus> call = client.statusAsync(tasks::add);
            assertFalse(call.isDone());
            tasks.get(0).run();
            assertTrue(call.join().available());
        }
    }

    @Test
    void asynchronousCallsUseDaemonThreads() throws Exception {
        CompletableFuture<Thread> thread =
                CompletableFuture.supplyAsync(Thread::currentThread, StatusExecutor.executor());
        assertTrue(thread.get().isDaemon());
        assertTrue(thread.get().getName().startsWith("libdcs-status-"), thread.get().getName());
    }

    @Test
    void threadsShareABuilder() throws Exception {
        assertEquals("done", ChildJvm.run(ShareBuilders.class, Map.of())); // Two at once would corrupt the heap.
    }

    /** Sets the options of one builder on many threads, and builds it meanwhile. */
    static final class ShareBuilders {
        private ShareBuilders() {
        }

        public static void main(String[] arguments) throws Exception {
            byte[] file = Testbed.bytes("ca_bundle");
            for (int round = 0; round < 50; round++) {
                DcsClient.Builder builder = DcsClient.builder().caBundle(file);
                CountDownLatch set = new CountDownLatch(THREADS);
                new Thread(() -> {
                    try {
                        set.await();
                    } catch (InterruptedException e) {
                        return;
                    }
                    builder.build().close();
                }).start();
                onThreads(() -> {
                    try {
                        for (int i = 0; true; i++) {
                            builder.caBundle(file).password("correct horse".toCharArray()).proxy(null)
                                    .url(URI.create("https://localhost/" + i));
                            set.countDown();
                        }
                    } catch (IllegalStateException e) {
                        return 1; // It has been built.
                    }
                });
            }
            System.out.println("done");
        }
    }

    private static List<Integer> onThreads(Callable<Integer> work) throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(THREADS);
        try {
            List<Future<Integer>> futures = new ArrayList<>();
            for (int i = 0; i < THREADS; i++) {
                futures.add(threads.submit(work));
            }
            List<Integer> results = new ArrayList<>();
            for (Future<Integer> future : futures) {
                results.add(future.get());
            }
            return results;
        } finally {
            threads.shutdownNow();
        }
    }
}
