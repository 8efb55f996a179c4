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
 * <p>default: one client with a pooling connection manager and the context, as its example "Custom SSL context" has it.
 * A connection with a client certificate counts as the certificate's owner's then, and is not used again by a
 * call that does not say so, so no connection is kept alive.
 *
 * <p>best: connections are used again whoever's they are, as many as there are threads (the default is five for a
 * host), from a pool without one lock for all; the JDK alone checks the host name; no cookies, redirects,
 * compression or authentication. Retries stay: a connection that the server has closed meanwhile needs them.
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
