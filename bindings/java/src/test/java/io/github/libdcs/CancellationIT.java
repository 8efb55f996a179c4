package io.github.libdcs;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

/** Tests that the native cancellation exists only during the call, and is freed exactly once. */
class CancellationIT {
    private static final long ADDRESS = 4711;

    private int made;
    private int ended;
    private int freed;

    @Test
    void cancelBeforeTheCall() {
        Cancellation cancellation = make();
        cancellation.cancel();
        assertCounts(0, 0, 0);
        assertEquals(ADDRESS, cancellation.enter());
        assertCounts(1, 1, 0);
        cancellation.leave();
        assertCounts(1, 1, 1);
    }

    @Test
    void cancelDuringTheCall() {
        Cancellation cancellation = make();
        cancellation.enter();
        assertCounts(1, 0, 0);
        cancellation.cancel();
        cancellation.cancel();
        assertCounts(1, 1, 0);
        cancellation.leave();
        assertCounts(1, 1, 1);
    }

    @Test
    void cancelAfterTheCall() {
        Cancellation cancellation = make();
        cancellation.enter();
        cancellation.leave();
        cancellation.cancel();
        assertCounts(1, 0, 1);
    }

    @Test
    void createsNothingWithoutACall() {
        make();
        assertCounts(0, 0, 0);
    }

    @Test
    void notFreedDuringCancel() throws Exception {
        List<Integer> freedMeanwhile = new ArrayList<>();
        Thread[] leaving = new Thread[1];
        Cancellation cancellation = new Cancellation(() -> ADDRESS, address -> {
            leaving[0].start();
            while (leaving[0].getState() == Thread.State.NEW || leaving[0].getState() == Thread.State.RUNNABLE) {
                Thread.yield();
            }
            freedMeanwhile.add(freed);
        }, address -> freed++);
        leaving[0] = new Thread(cancellation::leave);
        cancellation.enter();
        cancellation.cancel();
        leaving[0].join();
        assertEquals(List.of(0), freedMeanwhile);
        assertEquals(1, freed);
    }

    @Test
    void cancelFromSeveralThreads() throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(3);
        CyclicBarrier start = new CyclicBarrier(3);
        try {
            for (int round = 1; round <= 2000; round++) {
                Cancellation cancellation = make();
                List<Future<?>> work = new ArrayList<>();
                work.add(threads.submit(() -> {
                    start.await();
                    cancellation.enter();
                    cancellation.leave();
                    return null;
                }));
                for (int i = 0; i < 2; i++) {
                    work.add(threads.submit(() -> {
                        start.await();
                        cancellation.cancel();
                        return null;
                    }));
                }
                for (Future<?> future : work) {
                    future.get();
                }
                assertEquals(round, made);
                assertEquals(round, freed);
            }
        } finally {
            threads.shutdownNow();
        }
    }

    private Cancellation make() {
        return new Cancellation(() -> {
            made++;
            return ADDRESS;
        }, address -> {
            assertAlive(address);
            ended++;
        }, address -> {
            assertAlive(address);
            freed++;
        });
    }

    private void assertAlive(long address) {
        assertEquals(ADDRESS, address);
        assertEquals(made, freed + 1);
    }

    private void assertCounts(int made, int ended, int freed) {
        assertEquals(List.of(made, ended, freed), List.of(this.made, this.ended, this.freed));
    }
}
