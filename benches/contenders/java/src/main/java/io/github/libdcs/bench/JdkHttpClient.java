package io.github.libdcs.bench;

import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Map;

/**
 * java.net.http.HttpClient.
 *
 * <p>default: one client with the context, a request for each call and the body as text, as in the documentation of the
 * class.
 *
 * <p>best: HTTP/1.1 only, one request for all calls, the body as bytes, and an executor that runs tasks at once on the
 * client's own thread, not on other threads. Redirects and cookies are off anyway, and its connection pool has no
 * limit.
 */
final class JdkHttpClient {
    private JdkHttpClient() {
    }

    public static void main(String[] arguments) {
        Contender.main(arguments, Map.of("default", JdkHttpClient::byDefault, "best", JdkHttpClient::best),
                () -> Map.of("JDK", Runtime.version().toString()));
    }

    private static Contender.Call byDefault(Contender.Target target) throws Exception {
        HttpClient client = HttpClient.newBuilder().sslContext(new Tls(target).context).build();
        return () -> {
            HttpRequest request = HttpRequest.newBuilder(target.url).build();
            HttpResponse<String> response = client.send(request, HttpResponse.BodyHandlers.ofString());
            Contender.check(response.statusCode(), response.body());
        };
    }

    private static Contender.Call best(Contender.Target target) throws Exception {
        HttpClient client = HttpClient.newBuilder()
                .sslContext(new Tls(target).context)
                .version(HttpClient.Version.HTTP_1_1)
                .executor(Runnable::run)
                .build();
        HttpRequest request = HttpRequest.newBuilder(target.url).build();
        return () -> {
            HttpResponse<byte[]> response = client.send(request, HttpResponse.BodyHandlers.ofByteArray());
            Contender.check(response.statusCode(), response.body());
        };
    }
}
