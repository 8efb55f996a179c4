package io.github.libdcs;

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

/** Tests who frees a native client, and when. */
class ClientHandleIT {
    private static final long ADDRESS = 4711;

    private final AtomicInteger freed = new AtomicInteger();
    private final ClientHandle handle = new ClientHandle(ADDRESS, this::free);

    @Test
    void closeFreesAnIdleClient() {
        Cancellation call = new Cancellation();
        assertEquals(ADDRESS, handle.enter(call));
        handle.leave(call);
        assertFalse(handle.isFreed());
        handle.run();
        assertTrue(handle.isFreed());
        handle.run();
        assertThrows(IllegalStateException.class, () -> handle.enter(call));
        assertEquals(1, freed.get());
    }

    @Test
    void lastCallFreesAClosedClient() {
        Cancellation first = new Cancellation();
        Cancellation second = new Cancellation();
        handle.enter(first);
        handle.enter(second);
        handle.run();
        assertThrows(IllegalStateException.class, () -> handle.enter(new Cancellation()));
        handle.leave(first);
        assertEquals(0, freed.get());
        assertFalse(handle.isFreed());
        handle.leave(second);
        assertEquals(1, freed.get());
        assertTrue(handle.isFreed());
    }

    @Test
    void closeCancelsCallsInFlight() {
        List<String> cancelled = new ArrayList<>();
        Cancellation started = cancellation("started", cancelled);
        Cancellation entered = cancellation("entered", cancelled);
        Cancellation returned = cancellation("returned", cancelled);
        for (Cancellation call : List.of(started, entered, returned)) {
            handle.enter(call);
        }
        started.enter();
        returned.enter();
        returned.leave();
        handle.leave(returned);
        handle.run();
        assertEquals(List.of("started"), cancelled);
        handle.run();
        entered.enter();
        assertEquals(List.of("started", "entered"), cancelled);
    }

    private static Cancellation cancellation(String name, List<String> cancelled) {
        return new Cancellation(() -> ADDRESS, address -> cancelled.add(name), address -> { });
    }

    @Test
    void freedOnceAndNotDuringACall() throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(5);
        try {
            for (int round = 1; round <= 500; round++) {
                AtomicInteger frees = new AtomicInteger();
                ClientHandle shared = new ClientHandle(ADDRESS, address -> frees.incrementAndGet());
                List<Future<?>> work = new ArrayList<>();
                for (int i = 0; i < 3; i++) {
                    work.add(threads.submit(() -> callUntilClosed(shared, frees)));
                }
                work.add(threads.submit(shared));
                work.add(threads.submit(shared));
                for (Future<?> future : work) {
                    future.get();
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
            Cancellation call = new Cancellation(() -> ADDRESS, address -> assertEquals(0, frees.get()),
                    address -> assertEquals(0, frees.get()));
            try {
                shared.enter(call);
            } catch (IllegalStateException e) {
                return;
            }
            call.enter();
            assertEquals(0, frees.get());
            call.leave();
            shared.leave(call);
        }
    }

    private void free(long address) {
        assertEquals(ADDRESS, address);
        freed.incrementAndGet();
    }
}
