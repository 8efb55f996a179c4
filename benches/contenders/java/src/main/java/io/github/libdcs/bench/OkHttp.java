package io.github.libdcs.bench;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import javax.net.SocketFactory;
import okhttp3.ConnectionPool;
import okhttp3.OkHttpClient;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.Response;

/**
 * OkHttp.
 *
 * <p>default: one client with the context, and a request for each call, as in its recipes.
 *
 * <p>best: HTTP/1.1 only, one request for all calls, as many idle connections as threads (the default is five), no
 * second thread that tries another of the host's addresses at the same time, no redirects, no compression. Its sockets
 * have TCP_NODELAY, which OkHttp does not set. Without it the request waits until the server has acknowledged the end
 * of the handshake, for which the server's system takes 40 ms. Cookies and caches are off anyway. Retries stay on, for
 * a connection that the server has closed meanwhile.
 */
final class OkHttp {
    private OkHttp() {
    }

    public static void main(String[] arguments) {
        Contender.main(arguments, Map.of("default", OkHttp::byDefault, "best", OkHttp::best),
                () -> Map.of("OkHttp", okhttp3.OkHttp.VERSION, "JDK", Runtime.version().toString()));
    }

    private static Contender.Call byDefault(Contender.Target target) throws Exception {
        Tls tls = new Tls(target);
        OkHttpClient client = new OkHttpClient.Builder()
                .sslSocketFactory(tls.context.getSocketFactory(), tls.trustManager)
                .build();
        return () -> {
            Request request = new Request.Builder().url(target.url.toURL()).build();
            try (Response response = client.newCall(request).execute()) {
                Contender.check(response.code(), response.body().string());
            }
        };
    }

    private static Contender.Call best(Contender.Target target) throws Exception {
        Tls tls = new Tls(target);
        OkHttpClient client = new OkHttpClient.Builder()
                .sslSocketFactory(tls.context.getSocketFactory(), tls.trustManager)
                .protocols(List.of(Protocol.HTTP_1_1))
                .connectionPool(new ConnectionPool(Contender.MAX_THREADS, 5, TimeUnit.MINUTES))
                .socketFactory(new NoDelay())
                .fastFallback(false)
                .followRedirects(false)
                .build();
        Request request = new Request.Builder()
                .url(target.url.toURL())
                .header("Accept-Encoding", "identity")
                .build();
        return () -> {
            try (Response response = client.newCall(request).execute()) {
                Contender.check(response.code(), response.body().bytes());
            }
        };
    }

    /** Sets TCP_NODELAY. OkHttp calls only the method that creates an unconnected socket. */
    private static final class NoDelay extends SocketFactory {
        private final SocketFactory factory = SocketFactory.getDefault();

        @Override
        public Socket createSocket() throws IOException {
            Socket socket = factory.createSocket();
            socket.setTcpNoDelay(true);
            return socket;
        }

        @Override
        public Socket createSocket(String host, int port) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Socket createSocket(String host, int port, InetAddress localHost, int localPort) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Socket createSocket(InetAddress host, int port) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Socket createSocket(InetAddress address, int port, InetAddress localAddress, int localPort) {
            throw new UnsupportedOperationException();
        }
    }
}
