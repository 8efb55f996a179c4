package io.github.libdcs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Compares the tables that are copied from {@code include/dcs.h} with it: functions and log levels in {@link LibDcs},
 * codes in {@link DcsCode}. With {@code DCS_WRITE_BINDINGS=1} in the environment it writes them, as
 * {@code make bindings} does.
 */
class HeaderIT {
    private static final Path SOURCES = Path.of("src/main/java/io/github/libdcs");
    private static final String BEGIN = "    // Begin: written from include/dcs.h by \"make bindings\".\n";
    private static final String END = "    // End.\n";
    private static final int LINE_LENGTH = 120;

    private static final Pattern CONSTANT =
            Pattern.compile("/\\*\\*((?:(?!\\*/).)*)\\*/\n#define (DCS_\\w+) (-?\\d+)\n", Pattern.DOTALL);
    private static final Pattern COMMENT = Pattern.compile("/\\*.*?\\*/", Pattern.DOTALL);
    private static final Pattern FUNCTION = Pattern.compile("([\\w ]+?[ *]+)dcs_(\\w+)\\(([^)]*)\\);");

    private static String header;

    @BeforeAll
    static void readHeader() throws IOException {
        header = Files.readString(Path.of(System.getProperty("libdcs.header")));
    }

    @Test
    void functionsAndLogLevels() throws IOException {
        StringBuilder text = new StringBuilder();
        Matcher constant = CONSTANT.matcher(header);
        while (constant.find()) {
            if (constant.group(2).startsWith("DCS_LOG_")) {
                text.append("    static final int ").append(constant.group(2)).append(" = ")
                        .append(constant.group(3)).append(";\n");
            }
        }
        String group = "";
        Matcher function = FUNCTION.matcher(COMMENT.matcher(header).replaceAll(""));
        while (function.find()) {
            String name = function.group(2);
            if (name.endsWith("_set_callback")) {
                continue;
            }
            if (!group.equals(name.split("_")[0])) {
                group = name.split("_")[0];
                text.append('\n');
            }
            text.append("    static native ").append(javaType(function.group(1), "")).append(" dcs_").append(name)
                    .append('(').append(parameters(function.group(3))).append(");\n");
        }
        assertWritten("LibDcs", text.toString());
    }

    @Test
    void abiVersion() {
        Matcher version = Pattern.compile("Returns the version of this C ABI: (\\d+)\\.").matcher(header);
        assertTrue(version.find());
        assertEquals(Integer.parseInt(version.group(1)), NativeLoader.ABI_VERSION);
    }

    @Test
    void codes() throws IOException {
        StringBuilder text = new StringBuilder();
        Matcher constant = CONSTANT.matcher(header);
        while (constant.find()) {
            String name = constant.group(2).replaceFirst("^DCS_(ERR_)?", "");
            if (!name.startsWith("LOG_")) {
                text.append(text.length() == 0 ? "" : "\n").append(javadoc(constant.group(1)))
                        .append("    ").append(name).append('(').append(constant.group(3)).append("),\n");
            }
        }
        assertWritten("DcsCode", text.toString());
    }

    private static void assertWritten(String className, String table) throws IOException {
        Path file = SOURCES.resolve(className + ".java");
        String source = Files.readString(file);
        int begin = source.indexOf(BEGIN);
        int end = source.indexOf(END);
        assertTrue(begin >= 0 && end > begin, file + " lacks the lines around the table");
        String expected = source.substring(0, begin) + BEGIN + table + source.substring(end);
        if ("1".equals(System.getenv("DCS_WRITE_BINDINGS"))) {
            Files.writeString(file, expected);
        } else {
            assertEquals(expected, source, "run \"make bindings\"");
        }
    }

    private static String parameters(String list) {
        if (list.strip().equals("void")) {
            return "";
        }
        return Arrays.stream(list.split(",")).map(String::strip).map(parameter -> {
            String name = parameter.replaceFirst("^.*\\W", "");
            return javaType(parameter.substring(0, parameter.length() - name.length()), name) + " " + name;
        }).collect(Collectors.joining(", "));
    }

    /** Returns the Java type that passes a C type; see {@link LibDcs}. A function's result has no name. */
    private static String javaType(String type, String name) {
        switch (type.replaceAll("\\bconst\\b|\\s", "")) {
            case "void":
                return "void";
            case "dcs_code":
            case "int32_t":
            case "uint32_t":
                return "int";
            case "int64_t":
            case "size_t":
                return "long";
            case "char*":
                return name.isEmpty() || name.equals("password") ? "long" : "byte[]";
            default:
                if (!type.contains("*")) {
                    return fail("no Java type is known for " + type);
                }
                return type.contains("**") ? "long[]" : "long";
        }
    }

    /** Returns a C comment as Javadoc, on one line if it fits. */
    private static String javadoc(String comment) {
        String text = comment.replaceAll("\n \\*", " ").replaceAll("\\s+", " ").strip()
                .replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replaceAll("`([^`]*)`", "{@code $1}");
        if (text.length() + "    /**  */".length() <= LINE_LENGTH) {
            return "    /** " + text + " */\n";
        }
        StringBuilder lines = new StringBuilder("    /**\n     *");
        int width = "     *".length();
        for (String word : text.split(" (?![^{}]*\\})")) { // {@code ...} stays on one line
            if (width + 1 + word.length() > LINE_LENGTH) {
                lines.append("\n     *");
                width = "     *".length();
            }
            lines.append(' ').append(word);
            width += 1 + word.length();
        }
        return lines.append("\n     */\n").toString();
    }
}
