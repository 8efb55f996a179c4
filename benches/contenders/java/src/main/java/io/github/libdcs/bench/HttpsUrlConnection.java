package io.github.libdcs.bench;

import java.io.InputStream;
import java.net.URL;
import java.util.Map;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.SSLSocketFactory;

/**
 * javax.net.ssl.HttpsURLConnection.
 *
 * <p>default: the context's socket factory, created once and set on each connection. (A new factory for each connection
 * would keep no connection alive, because the pool's key includes the factory.)
 *
 * <p>best: as many idle connections as threads (the JDK's default is five for a host), no caches and no redirects.
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
        // The first connection reads it, once.
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
