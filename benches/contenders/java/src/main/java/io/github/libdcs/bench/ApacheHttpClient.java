package io.github.libdcs.bench;

import java.util.Map;
import org.apache.hc.client5.http.classic.methods.HttpGet;
import org.apache.hc.client5.http.impl.classic.CloseableHttpClient;
import org.apache.hc.client5.http.impl.classic.HttpClients;
import org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManager;
import org.apache.hc.client5.http.impl.io.PoolingHttpClientConnectionManagerBuilder;
import org.apache.hc.client5.http.ssl.ClientTlsStrategyBuilder;
import org.apache.hc.client5.http.ssl.HostnameVerificationPolicy;
import org.apache.hc.core5.http.io.entity.EntityUtils;
import org.apache.hc.core5.pool.PoolConcurrencyPolicy;
import org.apache.hc.core5.util.VersionInfo;

/**
 * Apache HttpClient 5, the classic client, which speaks HTTP/1.1 only.
 *
 * <p>default: one client with a pooling connection manager and the context, as in its example "Custom SSL context". A
 * connection with a client certificate then belongs to that certificate's owner. A call that does not name this owner
 * does not reuse it, so no connection is kept alive.
 *
 * <p>best: connections are reused regardless of their owner. There are as many as threads (the default is five for a
 * host), in a pool without a global lock. Only the JDK checks the host name. No cookies, redirects, compression or
 * authentication. Retries stay on, for a connection that the server has closed meanwhile.
 */
final class ApacheHttpClient {
    private ApacheHttpClient() {
    }

    public static void main(String[] arguments) {
        Contender.main(arguments, Map.of("default", ApacheHttpClient::byDefault, "best", ApacheHttpClient::best),
                () -> Map.of(
                        "Apache HttpClient", release("org.apache.hc.client5"),
                        "Apache HttpCore", release("org.apache.hc.core5"),
                        "JDK", Runtime.version().toString()));
    }

    private static String release(String name) {
        return VersionInfo.loadVersionInfo(name, ApacheHttpClient.class.getClassLoader()).getRelease();
    }

    private static Contender.Call byDefault(Contender.Target target) throws Exception {
        PoolingHttpClientConnectionManager connections = PoolingHttpClientConnectionManagerBuilder.create()
                .setTlsSocketStrategy(ClientTlsStrategyBuilder.create()
                        .setSslContext(new Tls(target).context)
                        .buildClassic())
                .build();
        CloseableHttpClient client = HttpClients.custom().setConnectionManager(connections).build();
        return () -> client.execute(new HttpGet(target.url), response -> {
            Contender.check(response.getCode(), EntityUtils.toString(response.getEntity()));
            return null;
        });
    }

    private static Contender.Call best(Contender.Target target) throws Exception {
        PoolingHttpClientConnectionManager connections = PoolingHttpClientConnectionManagerBuilder.create()
                .setTlsSocketStrategy(ClientTlsStrategyBuilder.create()
                        .setSslContext(new Tls(target).context)
                        .setHostVerificationPolicy(HostnameVerificationPolicy.BUILTIN)
                        .buildClassic())
                .setPoolConcurrencyPolicy(PoolConcurrencyPolicy.LAX)
                .setMaxConnPerRoute(Contender.MAX_THREADS)
                .setMaxConnTotal(Contender.MAX_THREADS)
                .build();
        CloseableHttpClient client = HttpClients.custom()
                .setConnectionManager(connections)
                .disableConnectionState()
                .disableCookieManagement()
                .disableRedirectHandling()
                .disableContentCompression()
                .disableAuthCaching()
                .build();
        return () -> client.execute(new HttpGet(target.url), response -> {
            Contender.check(response.getCode(), EntityUtils.toByteArray(response.getEntity()));
            return null;
        });
    }
}
