package io.github.libdcs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Tests exception classes, unknown codes and serialization. */
class DcsExceptionIT {
    @BeforeAll
    static void load() {
        NativeLoader.enter();
    }

    @AfterAll
    static void unload() {
        NativeLoader.leave();
    }

    @ParameterizedTest
    @EnumSource(value = DcsCode.class, mode = EnumSource.Mode.EXCLUDE, names = {"OK", "UNKNOWN"})
    void classAndHintOfEveryCode(DcsCode code) {
        DcsException e = exception(code.number());
        assertSame(code, e.code());
        assertEquals(code.cName(), e.codeName());
        assertEquals(classOf(code.number()), e.getClass());
        MessageAssertions.assertTraceShowsHint(e);
    }

    @ParameterizedTest
    @CsvSource({"199", "299", "399", "599", "600", "899", "1000", "-5"})
    void unknownCodes(int number) throws Exception {
        DcsException e = exception(number);
        assertSame(DcsCode.UNKNOWN, e.code());
        assertEquals(number, e.codeNumber());
        assertEquals("DCS error " + number, e.codeName());
        assertEquals("", e.hint());
        assertEquals("DCS error " + number + ": The test failed.", e.getMessage());
        assertEquals(classOf(number), e.getClass());
        assertSameContent(e, copy(e));
    }

    @Test
    void okThrowsNothing() {
        ErrorDetails.check(DcsCode.OK.number(), "The test");
    }

    @Test
    void serialization() throws Exception {
        try (DcsClient client = Testbed.builder("tls12_close", "/429").build();
                DcsClient noCertificate = Testbed.withoutCertificate("apache_tls12", "/checks/passport").build()) {
            DcsException limited = assertThrows(DcsException.class, client::status);
            assertTrue(limited.retryAfter().isPresent() && limited.httpStatus().isPresent());
            assertTrue(limited.rateLimit().isPresent());
            assertSameContent(limited, copy(limited));
            DcsException rejected = assertThrows(DcsException.class, noCertificate::status);
            assertTrue(rejected.tlsAlert().isPresent());
            assertSameContent(rejected, copy(rejected));
        }
        try (DcsClient client = Testbed.builder("tls12_close", "/403").build()) {
            DcsException quotaExceeded = assertThrows(DcsException.class, client::status);
            assertTrue(quotaExceeded.quota().isPresent());
            assertSameContent(quotaExceeded, copy(quotaExceeded));
        }
        DcsException missing = assertThrows(DcsException.class,
                () -> Testbed.builder("tls12_close", "/").caBundle(Testbed.file("missing")).build());
        assertEquals(2, missing.osCode().orElseThrow()); // ENOENT
        assertSameContent(missing, copy(missing));
    }

    private static DcsException exception(int number) {
        return assertThrows(DcsException.class, () -> ErrorDetails.check(number, "The test"));
    }

    private static Class<? extends DcsException> classOf(int number) {
        if (number >= 100 && number < 200) {
            return DcsConfigException.class;
        } else if (number >= 200 && number < 300) {
            return DcsNetworkException.class;
        } else if (number >= 300 && number < 400) {
            return DcsTlsException.class;
        }
        return number >= 400 && number < 600 ? DcsServiceException.class : DcsException.class;
    }

    private static DcsException copy(DcsException e) throws IOException, ClassNotFoundException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
            out.writeObject(e);
        }
        try (ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
            return (DcsException) in.readObject();
        }
    }

    private static void assertSameContent(DcsException e, DcsException copy) {
        assertNotSame(e, copy);
        assertSame(e.getClass(), copy.getClass());
        assertSame(e.code(), copy.code());
        assertEquals(e.codeNumber(), copy.codeNumber());
        assertEquals(e.codeName(), copy.codeName());
        assertEquals(e.getMessage(), copy.getMessage());
        assertEquals(e.message(), copy.message());
        assertEquals(e.hint(), copy.hint());
        assertEquals(e.check(), copy.check());
        assertEquals(e.httpStatus(), copy.httpStatus());
        assertEquals(e.tlsAlert(), copy.tlsAlert());
        assertEquals(e.osCode(), copy.osCode());
        assertEquals(e.retryAfter(), copy.retryAfter());
        assertEquals(e.rateLimit().toString(), copy.rateLimit().toString());
        assertEquals(e.quota().toString(), copy.quota().toString());
        assertEquals(e.retryable(), copy.retryable());
    }
}
