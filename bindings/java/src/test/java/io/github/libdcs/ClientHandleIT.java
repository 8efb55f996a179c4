package io.github.libdcs;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Who frees a client, and when. */
@Timeout(120)
class ClientHandleIT {
    private static final long ADDRESS = 4711;

    private final AtomicInteger freed = new AtomicInteger();
    private final ClientHandle handle = new ClientHandle(ADDRESS, this::free);

    @Test
    void closingAnIdleClientFreesIt() {
        assertEquals(ADDRESS, handle.enter());
        handle.leave();
        assertFalse(handle.isFreed());
        handle.run();
        assertTrue(handle.isFreed());
        handle.run();
        assertThrows(IllegalStateException.class, handle::enter);
        assertEquals(1, freed.get());
    }

    @Test
    void theLastCallFreesAClosedClient() {
        handle.enter();
        handle.enter();
        handle.run();
        assertThrows(IllegalStateException.class, handle::enter);
        handle.leave();
        assertEquals(0, freed.get());
        assertFalse(handle.isFreed());
        handle.leave();
        assertEquals(1, freed.get());
        assertTrue(handle.isFreed());
    }

    @Test
    void neverTwiceAndNeverUnderACall() throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(4);
        try {
            for (int round = 1; round <= 500; round++) {
                AtomicInteger frees = new AtomicInteger();
                ClientHandle shared = new ClientHandle(ADDRESS, address -> frees.incrementAndGet());
                List<Future<?>> work = new ArrayList<>();
                for (int i = 0; i < 3; i++) {
                    work.add(threads.submit(() -> callUntilClosed(shared, frees)));
                }
                work.add(threads.submit(shared));
                for (Future<?> future : work) {
                    future.get(60, SECONDS);
                }
                assertEquals(1, frees.get());
                assertTrue(shared.isFreed());
            }
        } finally {
            threads.shutdownNow();
        }
    }

    private static void callUntilClosed(ClientHandle shared, AtomicInteger frees) {
        while (true) {
            try {
                shared.enter();
            } catch (IllegalStateException e) {
                return;
            }
            assertEquals(0, frees.get());
            shared.leave();
        }
    }

    private void free(long address) {
        assertEquals(ADDRESS, address);
        freed.incrementAndGet();
    }
}
