package io.github.libdcs;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.junit.jupiter.api.Assertions.assertNotNull;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.URI;
import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.LinkedBlockingQueue;

/** Stands before a server of the testbed and lets connections wait until it is told to hand them on. */
final class Relay implements AutoCloseable {
    private static final int LIMIT_MS = 60_000;

    private final ServerSocket listening;
    private final URI server;
    private final BlockingQueue<Connection> waiting = new LinkedBlockingQueue<>();
    private final Queue<Socket> sockets = new ConcurrentLinkedQueue<>();

    Relay(String listener, String path) throws IOException {
        listening = new ServerSocket(0, 200, InetAddress.getByName("localhost"));
        server = Testbed.url(listener, path);
        start(this::acceptAll);
    }

    /** A builder with everything right, and with limits of time that are longer than any test waits. */
    DcsClient.Builder builder() {
        return DcsClient.builder()
                .url(URI.create("https://localhost:" + listening.getLocalPort() + server.getPath()))
                .caBundle(Testbed.file("ca_bundle"))
                .certificate(Testbed.file("client_cert"))
                .privateKey(Testbed.file("client_key"))
                .connectTimeout(Duration.ofMinutes(10))
                .timeout(Duration.ofMinutes(10));
    }

    /** The next connection, once a call is in its TLS handshake there. */
    Connection next() throws Exception {
        Connection next = waiting.poll(LIMIT_MS / 1000, SECONDS);
        assertNotNull(next, "no connection was made");
        next.first = next.client.getInputStream().read();
        return next;
    }

    /** Whether no connection has come that {@link #next()} has not returned. */
    boolean isQuiet() {
        return waiting.isEmpty();
    }

    private void acceptAll() throws IOException {
        while (true) {
            Socket client = open(listening.accept());
            client.setSoTimeout(LIMIT_MS);
            waiting.add(new Connection(client));
        }
    }

    private Socket open(Socket socket) {
        sockets.add(socket);
        return socket;
    }

    private static void start(Work work) {
        Thread thread = new Thread(() -> {
            try {
                work.run();
            } catch (IOException e) {
                // One side has closed, or the test is over.
            }
        }, "relay");
        thread.setDaemon(true);
        thread.start();
    }

    @Override
    public void close() throws IOException {
        listening.close();
        for (Socket socket : sockets) {
            socket.close();
        }
    }

    private interface Work {
        void run() throws IOException;
    }

    /** A connection that waits. */
    final class Connection {
        private final Socket client;
        private int first;

        private Connection(Socket client) {
            this.client = client;
        }

        /** Hands the connection on to the server. */
        void handOn() {
            try {
                Socket upstream = open(new Socket(server.getHost(), server.getPort()));
                upstream.getOutputStream().write(first);
                start(() -> pump(client, upstream));
                start(() -> pump(upstream, client));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        /** Returns when the client has ended the connection. */
        void awaitEnd() throws IOException {
            InputStream in = client.getInputStream();
            try {
                while (in.read() >= 0) {
                    // the rest of what it had to say
                }
            } catch (SocketException e) {
                // reset, which is an end too
            }
        }

        private void pump(Socket from, Socket to) throws IOException {
            try (to) {
                from.getInputStream().transferTo(to.getOutputStream());
            }
        }
    }
}
