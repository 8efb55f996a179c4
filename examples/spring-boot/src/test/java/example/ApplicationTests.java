package example;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.github.libdcs.DcsClient;
import io.github.libdcs.DcsConfigException;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import org.junit.jupiter.api.Test;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;

/** Tests the whole service against the sandbox: run dcs sandbox, and set the variables that it prints. */
class ApplicationTests {
    @Test
    void healthAndStatus() throws Exception {
        try (ConfigurableApplicationContext context = start()) {
            HttpResponse<String> health = get(context, "/actuator/health");
            assertThat(health.statusCode()).isEqualTo(200);
            assertThat(health.body()).contains("\"dcs\":{\"details\":{\"certificateNotAfter\":\"20")
                    .contains("\"status\":\"UP\"");
            HttpResponse<String> status = get(context, "/document-checks/status");
            assertThat(status.statusCode()).isEqualTo(200);
            assertThat(status.body()).startsWith("{\"available\":true,").contains("\"start\":\"2030-01-01T12:30:00Z\"");
        }
    }

    @Test
    void outage() throws Exception {
        try (ConfigurableApplicationContext context = start("--dcs.url=" + sandbox("planned-outage"))) {
            HttpResponse<String> health = get(context, "/actuator/health");
            assertThat(health.statusCode()).isEqualTo(503);
            assertThat(health.body()).contains("OUT_OF_SERVICE");
            // An outage is no reason to restart this service.
            assertThat(get(context, "/actuator/health/liveness").statusCode()).isEqualTo(200);
            assertThat(get(context, "/document-checks/status").body()).startsWith("{\"available\":false,");
        }
    }

    @Test
    void failedCall() throws Exception {
        try (ConfigurableApplicationContext context = start("--dcs.url=" + sandbox("over-capacity"))) {
            assertThat(get(context, "/actuator/health").body()).contains("\"status\":\"DOWN\"").contains("UNAVAILABLE");
            HttpResponse<String> status = get(context, "/document-checks/status");
            assertThat(status.statusCode()).isEqualTo(502);
            assertThat(status.headers().firstValue("Retry-After")).contains("5");
            assertThat(status.body()).contains("is unknown at the moment").doesNotContain("localhost");
        }
    }

    @Test
    void shutdownClosesTheClient() {
        ConfigurableApplicationContext context = start();
        DcsClient client = context.getBean(DcsClient.class);
        assertThat(client.status().available()).isTrue();
        context.close();
        assertThatIllegalStateException().isThrownBy(client::status);
    }

    @Test
    void missingCertificateFailsTheStart() {
        assertThatThrownBy(() -> start("--dcs.certificate=/nowhere/client.crt").close())
                .hasRootCauseInstanceOf(DcsConfigException.class)
                .rootCause().hasMessageContaining("/nowhere/client.crt");
    }

    private static ConfigurableApplicationContext start(String... arguments) {
        return new SpringApplicationBuilder(Application.class).properties("server.port=0").run(arguments);
    }

    private static String sandbox(String answer) {
        return System.getenv("DCS_URL") + "?answer=" + answer;
    }

    private static HttpResponse<String> get(ConfigurableApplicationContext context, String path)
            throws IOException, InterruptedException {
        String port = context.getEnvironment().getProperty("local.server.port");
        HttpRequest request = HttpRequest.newBuilder(URI.create("http://localhost:" + port + path)).build();
        return HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
    }
}
