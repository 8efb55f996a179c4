package io.github.libdcs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Assertions about the text of every exception. */
final class MessageAssertions {
    private static final int LEAK_LENGTH = 12;

    private MessageAssertions() {
    }

    /** Asserts that a plain stack trace shows the code, the message and the hint. */
    static void assertTraceShowsHint(DcsException e) {
        assertFalse(e.message().isBlank());
        assertFalse(e.hint().isBlank());
        assertEquals(e.code().cName(), e.codeName());
        assertEquals(e.code().number(), e.codeNumber());
        StringWriter trace = new StringWriter();
        e.printStackTrace(new PrintWriter(trace));
        assertTrue(trace.toString().contains(e.codeName() + ": " + e.message() + " " + e.hint()), trace.toString());
    }

    /** Asserts that the text contains no twelve consecutive characters of any line of the file but PEM's own. */
    static void assertContainsNothingOf(Path file, String text) {
        if (!Files.isRegularFile(file)) {
            return;
        }
        try {
            for (String line : Files.readString(file, StandardCharsets.ISO_8859_1).split("\\R")) {
                if (!line.startsWith("-----")) {
                    for (int i = 0; i + LEAK_LENGTH <= line.length(); i++) {
                        assertFalse(text.contains(line.substring(i, i + LEAK_LENGTH)), text);
                    }
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
