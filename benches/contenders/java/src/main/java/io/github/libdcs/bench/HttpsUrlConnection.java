package io.github.libdcs.bench;

import java.io.InputStream;
import java.net.URL;
import java.util.Map;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.SSLSocketFactory;

/**
 * javax.net.ssl.HttpsURLConnection.
 *
 * <p>default: the context's socket factory, made once and set on each connection. (Asking the context for a factory
 * each time would keep no connection alive, since the pool goes by the factory.)
 *
 * <p>best: as many idle connections as threads, where the JDK's own limit is five for a host, and neither caches nor
 * redirects.
 */
final class HttpsUrlConnection {
    private HttpsUrlConnection() {
    }

    public static void main(String[] arguments) {
        Contender.main(arguments, Map.of("default", HttpsUrlConnection::byDefault, "best", HttpsUrlConnection::best),
                () -> Map.of("JDK", Runtime.version().toString()));
    }

    private static Contender.Call byDefault(Contender.Target target) throws Exception {
        SSLSocketFactory factory = new Tls(target).context.getSocketFactory();
        URL url = target.url.toURL();
        return () -> {
            HttpsURLConnection connection = (HttpsURLConnection) url.openConnection();
            connection.setSSLSocketFactory(factory);
            finish(connection);
        };
    }

    private static Contender.Call best(Contender.Target target) throws Exception {
        // Read once, by the first connection.
        System.setProperty("http.maxConnections", Integer.toString(Contender.MAX_THREADS));
        SSLSocketFactory factory = new Tls(target).context.getSocketFactory();
        URL url = target.url.toURL();
        return () -> {
            HttpsURLConnection connection = (HttpsURLConnection) url.openConnection();
            connection.setSSLSocketFactory(factory);
            connection.setUseCaches(false);
            connection.setInstanceFollowRedirects(false);
            finish(connection);
        };
    }

    private static void finish(HttpsURLConnection connection) throws Exception {
        try (InputStream in = connection.getInputStream()) {
            byte[] body = in.readAllBytes();
            Contender.check(connection.getResponseCode(), body);
        }
    }
}
