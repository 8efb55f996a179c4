package io.github.libdcs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonParser;
import java.io.InputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Tests the diagnosis and its report. */
class DiagnoseIT {
    private static final String PASSPORT = "/checks/passport";
    private static final String EXPIRED = "DCS_CHECK_CERT_NOT_EXPIRED";

    @ParameterizedTest
    @ValueSource(strings = {"tls12_close", "tls13_keepalive", "apache_tls13"})
    void noProblem(String listener) {
        DcsReport report = Testbed.builder(listener, PASSPORT).diagnose();
        assertTrue(report.ok(), report.text());
        assertEquals(Optional.empty(), report.cause());
        List<String> passed = report.steps().stream()
                .filter(step -> step.outcome() == DcsFinding.Outcome.PASSED)
                .map(DcsStep::name)
                .distinct()
                .collect(Collectors.toList());
        assertEquals(List.of("dns", "tcp", "tls", "http"), passed);
        for (DcsStep step : report.steps()) {
            assertFalse(step.duration().isNegative() || step.message().isEmpty(), step.toString());
        }
        assertTrue(report.steps().stream().anyMatch(step -> !step.duration().isZero()), report.text());
        for (DcsFinding finding : report.findings()) {
            assertTrue(finding.check().startsWith("DCS_CHECK_"), finding.toString());
            assertNotEquals(DcsFinding.Outcome.UNKNOWN, finding.outcome());
            assertNotEquals(DcsFinding.Severity.UNKNOWN, finding.severity());
            assertTrue(List.of("ca_bundle", "certificate", "private_key", "connection", "service")
                    .contains(finding.subject()), finding.toString());
            assertFalse(finding.title().isEmpty());
        }
    }

    @Test
    void expiredCertificate() {
        DcsReport report = expired().diagnose();
        DcsFinding cause = assertCause(report, EXPIRED, "certificate");
        assertTrue(cause.message().contains(Testbed.file("rejected_expired_cert").toString()), cause.message());
        assertTrue(report.findings().stream().anyMatch(f -> f.outcome() == DcsFinding.Outcome.PASSED));

        try (DcsClient client = expired().build()) { // Its exception names the same check.
            assertEquals(Optional.of(EXPIRED), assertThrows(DcsTlsException.class, client::status).check());
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"ca_bundle", "certificate", "private_key"})
    void missingFile(String subject) {
        Path missing = Testbed.file("missing");
        DcsReport report = withMissing(subject, missing).diagnose();
        assertTrue(assertCause(report, "DCS_CHECK_FILE_READABLE", subject).message().contains(missing.toString()));
        DcsException e = assertThrows(DcsConfigException.class, () -> withMissing(subject, missing).build());
        assertEquals(Optional.of("DCS_CHECK_FILE_READABLE"), e.check());
    }

    @Test
    void exceptionWithoutCheck() {
        DcsException e = assertThrows(DcsConfigException.class,
                () -> DcsClient.builder().url(URI.create("http://localhost/")));
        assertEquals(Optional.empty(), e.check());
    }

    @Test
    void failedFindingsComeFirst() {
        DcsReport report = expired().caBundle(Testbed.file("other_ca_bundle")).diagnose();
        List<Boolean> failed = report.findings().stream()
                .map(f -> f.outcome() == DcsFinding.Outcome.FAILED)
                .collect(Collectors.toList());
        long count = failed.stream().filter(f -> f).count();
        assertTrue(count >= 2, report.text());
        assertFalse(failed.subList((int) count, failed.size()).contains(true), report.text());
        assertSame(report.findings().get(0), report.cause().orElseThrow());
    }

    @Test
    void textJsonAndHtml() {
        DcsReport report = expired().diagnose();
        assertEquals(1, JsonParser.parseString(report.json()).getAsJsonObject().get("schema").getAsInt());
        assertTrue(report.json().contains(EXPIRED), report.json());
        assertTrue(report.html().contains("<html") && report.html().contains(EXPIRED), report.html());
        assertTrue(report.text().contains("expired") && report.text().contains("\n"), report.text());
        assertEquals(report.text(), report.toString());
    }

    @Test
    void redacted() throws Exception {
        DcsReport report = expired().diagnose();
        DcsReport redacted = report.redacted();
        String folder = Testbed.file("client_cert").getParent().toString();
        String name = commonName(Testbed.file("rejected_expired_cert"));
        for (String secret : new String[] {folder, name}) {
            List<Function<DcsReport, String>> documents =
                    List.of(DcsReport::text, DcsReport::json, DcsReport::html, r -> r.findings() + "" + r.steps());
            assertTrue(documents.stream().anyMatch(document -> document.apply(report).contains(secret)), secret);
            for (Function<DcsReport, String> document : documents) {
                String text = document.apply(redacted);
                assertFalse(text.contains(secret), text);
            }
        }
        assertTrue(redacted.text().contains("[path]"), redacted.text());
        assertCause(redacted, EXPIRED, "certificate");
        assertEquals(report.findings().size(), redacted.findings().size());
        assertEquals(report.steps().size(), redacted.steps().size());
        assertSame(redacted, redacted.redacted());
    }

    @Test
    void noSecrets() {
        DcsReport report = Testbed.builder("tls12_close", PASSPORT)
                .privateKey(Testbed.bytes("client_key_encrypted"))
                .password("battery staple".toCharArray())
                .proxy(URI.create("http://user:hunter2@localhost:1"))
                .diagnose();
        assertFalse(report.ok());
        for (String text : new String[] {report.text(), report.json(), report.html(), report.findings() + ""}) {
            assertFalse(text.contains("battery") || text.contains("hunter2"), text);
            MessageAssertions.assertContainsNothingOf(Testbed.file("client_key_encrypted"), text);
        }
    }

    @Test
    void equalsHashCodeAndToString() {
        DcsReport one = expired().diagnose();
        DcsReport other = expired().diagnose();
        assertEquals(one.cause(), other.cause());
        assertEquals(one.cause().hashCode(), other.cause().hashCode());
        assertNotEquals(one.findings().get(0), one.findings().get(1));
        DcsStep step = one.steps().get(0);
        assertEquals(step, step);
        assertNotEquals(step, one.steps().get(1));
        assertThrows(UnsupportedOperationException.class, () -> one.findings().remove(0));
        assertThrows(UnsupportedOperationException.class, () -> one.steps().remove(0));
        String text = one.cause().orElseThrow().toString();
        assertTrue(text.startsWith("DcsFinding[check=" + EXPIRED + ", outcome=FAILED, severity=ERROR,"), text);
        assertTrue(step.toString().startsWith("DcsStep[name=dns, outcome=PASSED, duration=PT"), step.toString());
    }

    @Test
    void unknownOutcomeAndSeverity() {
        assertEquals(DcsFinding.Outcome.UNKNOWN, DcsFinding.Outcome.of("postponed"));
        assertEquals(DcsFinding.Severity.UNKNOWN, DcsFinding.Severity.of("catastrophe"));
        assertEquals(DcsFinding.Outcome.SKIPPED, DcsFinding.Outcome.of("skipped"));
        assertEquals(DcsFinding.Severity.NOTE, DcsFinding.Severity.of("note"));
        assertEquals(DcsFinding.Severity.WARNING, DcsFinding.Severity.of("warning"));
    }

    @Test
    void builderIsUsedOnce() {
        DcsClient.Builder diagnosed = Testbed.builder("tls12_close", PASSPORT);
        diagnosed.diagnose();
        assertThrows(IllegalStateException.class, diagnosed::build);
        String message = assertThrows(IllegalStateException.class, diagnosed::diagnose).getMessage();
        assertTrue(message.contains("diagnose()") && message.contains("DcsClient.builder()"), message);
        DcsClient.Builder built = Testbed.builder("tls12_close", PASSPORT);
        built.build().close();
        assertThrows(IllegalStateException.class, built::diagnose);
    }

    @ParameterizedTest
    @CsvSource({"client_key, true -", "missing, false DCS_CHECK_FILE_READABLE"})
    void fromEnvironment(String key, String expected) throws Exception {
        Map<String, String> environment = new HashMap<>();
        environment.put("DCS_URL", Testbed.url("tls12_close", PASSPORT).toString());
        environment.put("DCS_CA_BUNDLE", Testbed.file("ca_bundle").toString());
        environment.put("DCS_CERTIFICATE", Testbed.file("client_cert").toString());
        environment.put("DCS_PRIVATE_KEY", Testbed.file(key).toString());
        assertEquals(expected, ChildJvm.run(FromEnvironment.class, environment));
    }

    @Test
    void invalidVariableIsNamed() throws Exception {
        String text = ChildJvm.run(FromEnvironment.class, Map.of("DCS_TIMEOUT_MS", "soon"));
        assertTrue(text.startsWith("INVALID_ARGUMENT ") && text.contains("DCS_TIMEOUT_MS"), text);
    }

    private static DcsClient.Builder expired() {
        return Testbed.withCertificate("tls12_close", PASSPORT, "rejected_expired_cert", "rejected_expired_key");
    }

    private static DcsClient.Builder withMissing(String subject, Path missing) {
        DcsClient.Builder builder = Testbed.builder("tls12_close", PASSPORT);
        switch (subject) {
            case "ca_bundle":
                return builder.caBundle(missing);
            case "certificate":
                return builder.certificate(missing);
            default:
                return builder.privateKey(missing);
        }
    }

    private static DcsFinding assertCause(DcsReport report, String check, String subject) {
        assertFalse(report.ok(), report.text());
        DcsFinding cause = report.cause().orElseThrow();
        assertEquals(check, cause.check());
        assertEquals(subject, cause.subject());
        assertEquals(DcsFinding.Outcome.FAILED, cause.outcome());
        assertEquals(DcsFinding.Severity.ERROR, cause.severity());
        assertFalse(cause.title().isBlank() || cause.message().isBlank() || cause.advice().isBlank());
        return cause;
    }

    private static String commonName(Path file) throws Exception {
        try (InputStream in = Files.newInputStream(file)) {
            X509Certificate certificate =
                    (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(in);
            return certificate.getSubjectX500Principal().getName().replaceFirst("^.*?CN=([^,]+).*$", "$1");
        }
    }

    /** Prints whether calls succeed and the cause, or which variable is invalid. */
    static final class FromEnvironment {
        private FromEnvironment() {
        }

        public static void main(String[] arguments) {
            try {
                DcsReport report = DcsClient.diagnoseFromEnvironment();
                System.out.println(report.ok() + " " + report.cause().map(DcsFinding::check).orElse("-"));
            } catch (DcsConfigException e) {
                System.out.println(e.code() + " " + e.getMessage());
            }
        }
    }
}
