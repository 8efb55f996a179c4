package io.github.libdcs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Tests {@link DcsClient#fromEnvironment()}, and that nothing else reads the environment. */
class EnvironmentVariablesIT {
    @Test
    void paths() throws Exception {
        Map<String, String> environment = environment();
        environment.put("DCS_CERTIFICATE", Testbed.file("client_cert").toString());
        environment.put("DCS_PRIVATE_KEY", Testbed.file("client_key_encrypted").toString());
        environment.put("DCS_PRIVATE_KEY_PASSWORD", "correct horse");
        environment.put("DCS_TIMEOUT_MS", "1200000");
        assertEquals("true", ChildJvm.run(FromEnvironment.class, environment));
    }

    @Test
    void pem() throws Exception {
        Map<String, String> environment = environment();
        environment.put("DCS_CERTIFICATE", new String(Testbed.bytes("client_cert"), StandardCharsets.UTF_8));
        environment.put("DCS_PRIVATE_KEY", new String(Testbed.bytes("client_key"), StandardCharsets.UTF_8));
        assertEquals("true", ChildJvm.run(FromEnvironment.class, environment));
    }

    @Test
    void invalidVariableIsNamed() throws Exception {
        Map<String, String> environment = environment();
        environment.put("DCS_TIMEOUT_MS", "soon");
        String text = ChildJvm.run(FromEnvironment.class, environment);
        assertTrue(text.startsWith("INVALID_ARGUMENT "), text);
        assertTrue(text.contains("DCS_TIMEOUT_MS"), text);
    }

    @Test
    void builderIgnoresTheEnvironment() throws Exception {
        Map<String, String> environment = Map.of("DCS_URL", "https://localhost:1/", "DCS_TIMEOUT_MS", "soon",
                "DCS_PROXY", "http://localhost:1", "HTTPS_PROXY", "http://localhost:1");
        assertEquals("true", ChildJvm.run(WithBuilder.class, environment));
    }

    private static Map<String, String> environment() {
        Map<String, String> environment = new HashMap<>();
        environment.put("DCS_URL", Testbed.url("tls12_close", "/checks/passport").toString());
        environment.put("DCS_CA_BUNDLE", Testbed.file("ca_bundle").toString());
        return environment;
    }

    /** Prints whether the DCS is available, or the error. */
    static final class FromEnvironment {
        private FromEnvironment() {
        }

        public static void main(String[] arguments) {
            try (DcsClient client = DcsClient.fromEnvironment()) {
                System.out.println(client.status().available());
            } catch (DcsConfigException e) {
                System.out.println(e.code() + " " + e.getMessage());
            }
        }
    }

    /** Prints whether the DCS is available. */
    static final class WithBuilder {
        private WithBuilder() {
        }

        public static void main(String[] arguments) {
            try (DcsClient client = Testbed.builder("tls12_close", "/checks/passport").build()) {
                System.out.println(client.status().available());
            }
        }
    }
}
