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
    void theLastCallFreesAClosedClient() {
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
    void closingTellsTheCallsThatAreInside() {
        List<String> told = new ArrayList<>();
        Cancellation inTheLibrary = cancellation("in the library", told);
        Cancellation onItsWay = cancellation("on its way", told);
        Cancellation gone = cancellation("gone", told);
        for (Cancellation call : List.of(inTheLibrary, onItsWay, gone)) {
            handle.enter(call);
        }
        inTheLibrary.enter();
        gone.enter();
        gone.leave();
        handle.leave(gone);
        handle.run();
        assertEquals(List.of("in the library"), told);
        handle.run();
        onItsWay.enter();
        assertEquals(List.of("in the library", "on its way"), told);
    }

    private static Cancellation cancellation(String name, List<String> told) {
        return new Cancellation(() -> ADDRESS, address -> told.add(name), address -> { });
    }

    @Test
    void neverTwiceAndNeverUnderACall() throws Exception {
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
