package io.github.libdcs;

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

/** A TCP relay in front of a server of the testbed, which holds each connection until the test forwards it. */
final class Relay implements AutoCloseable {
    private final ServerSocket listening;
    private final URI server;
    private final BlockingQueue<Connection> held = new LinkedBlockingQueue<>();
    private final Queue<Socket> sockets = new ConcurrentLinkedQueue<>();

    Relay(String listener, String path) throws IOException {
        listening = new ServerSocket(0, 200, InetAddress.getByName("localhost"));
        server = Testbed.url(listener, path);
        start(this::acceptAll);
    }

    /** Returns a valid builder whose timeouts are longer than any test. */
    DcsClient.Builder builder() {
        return DcsClient.builder()
                .url(URI.create("https://localhost:" + listening.getLocalPort() + server.getPath()))
                .caBundle(Testbed.file("ca_bundle"))
                .certificate(Testbed.file("client_cert"))
                .privateKey(Testbed.file("client_key"))
                .connectTimeout(Duration.ofHours(1))
                .timeout(Duration.ofHours(1));
    }

    /** Waits for the next connection, until its client has started the TLS handshake. */
    Connection next() throws Exception {
        Connection next = held.take();
        next.firstByte = next.client.getInputStream().read();
        return next;
    }

    /** Returns whether {@link #next()} has returned every connection. */
    boolean isIdle() {
        return held.isEmpty();
    }

    private void acceptAll() throws IOException {
        while (true) {
            held.add(new Connection(open(listening.accept())));
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
                // One side has closed the connection, or the test is over.
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

    /** A connection that is held. */
    final class Connection {
        private final Socket client;
        private int firstByte;

        private Connection(Socket client) {
            this.client = client;
        }

        /** Forwards the connection to the server. */
        void forward() {
            try {
                Socket upstream = open(new Socket(server.getHost(), server.getPort()));
                upstream.getOutputStream().write(firstByte);
                start(() -> copy(client, upstream));
                start(() -> copy(upstream, client));
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }

        /** Waits until the client has closed the connection. */
        void awaitClose() throws IOException {
            InputStream in = client.getInputStream();
            try {
                while (in.read() >= 0) {
                    continue; // the rest of its handshake
                }
            } catch (SocketException e) {
                return; // Reset, which closes it too.
            }
        }

        private void copy(Socket from, Socket to) throws IOException {
            try (to) {
                from.getInputStream().transferTo(to.getOutputStream());
            }
        }
    }
}
