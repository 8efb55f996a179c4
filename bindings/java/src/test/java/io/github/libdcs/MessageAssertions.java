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

/** What holds for the words of every exception. */
final class MessageAssertions {
    private static final int LEAK = 12;

    private MessageAssertions() {
    }

    /** A plain stack trace shows the code, what happened, and what to do. */
    static void assertTellsTheCure(DcsException e) {
        assertFalse(e.message().isBlank());
        assertFalse(e.hint().isBlank());
        assertEquals(e.code().cName(), e.codeName());
        assertEquals(e.code().number(), e.codeNumber());
        StringWriter trace = new StringWriter();
        e.printStackTrace(new PrintWriter(trace));
        assertTrue(trace.toString().contains(e.codeName() + ": " + e.message() + " " + e.hint()), trace.toString());
    }

    /** No twelve characters of a file's lines, other than of PEM's own, are in the text. */
    static void assertHoldsNothingOf(Path file, String text) {
        if (!Files.isRegularFile(file)) {
            return;
        }
        try {
            for (String line : Files.readString(file, StandardCharsets.ISO_8859_1).split("\\R")) {
                if (!line.startsWith("-----")) {
                    for (int i = 0; i + LEAK <= line.length(); i++) {
                        assertFalse(text.contains(line.substring(i, i + LEAK)), text);
                    }
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
