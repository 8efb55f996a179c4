package io.github.libdcs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.io.IOException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The C header and what is written in Java must agree: codes and functions, in both directions. */
class HeaderIT {
    private static final Pattern CONSTANT = Pattern.compile("(?m)^#define (DCS_OK|DCS_ERR_\\w+) (-?\\d+)$");
    private static final Pattern FUNCTION = Pattern.compile("([\\w ]+?[ *]+)(dcs_\\w+)\\(([^)]*)\\);");

    private static String header;

    @BeforeAll
    static void read() throws IOException {
        header = Files.readString(Path.of(System.getProperty("libdcs.header"))).replaceAll("(?s)/\\*.*?\\*/", "");
        DcsClient.builder(); // loads the library
    }

    @Test
    void codes() {
        Map<String, Integer> inHeader = new TreeMap<>();
        Matcher matcher = CONSTANT.matcher(header);
        while (matcher.find()) {
            inHeader.put(matcher.group(1), Integer.valueOf(matcher.group(2)));
        }
        Map<String, Integer> inJava = new TreeMap<>();
        for (DcsCode code : DcsCode.values()) {
            if (code != DcsCode.UNKNOWN) {
                inJava.put(code.cName(), code.number());
            }
        }
        assertTrue(inHeader.containsKey("DCS_ERR_CLIENT_CERT_REJECTED"));
        assertEquals(inHeader, inJava);
    }

    @Test
    void logLevels() {
        Map<String, Integer> inHeader = new TreeMap<>();
        Matcher matcher = Pattern.compile("(?m)^#define (DCS_LOG_\\w+) (\\d+)$").matcher(header);
        while (matcher.find()) {
            inHeader.put(matcher.group(1), Integer.valueOf(matcher.group(2)));
        }
        assertEquals(Map.of("DCS_LOG_OFF", LogBridge.OFF, "DCS_LOG_ERROR", LogBridge.ERROR,
                "DCS_LOG_WARNING", LogBridge.WARNING, "DCS_LOG_INFO", LogBridge.INFO,
                "DCS_LOG_DEBUG", LogBridge.DEBUG, "DCS_LOG_TRACE", LogBridge.TRACE), inHeader);
    }

    @Test
    void codesOfTheLibraryItself() {
        for (DcsCode code : DcsCode.values()) {
            String name = NativeText.decode(LibDcs.dcs_code_name(code.number()));
            assertEquals(code == DcsCode.UNKNOWN ? null : code.cName(), name);
            assertEquals(code, DcsCode.of(code.number()));
        }
        assertEquals(DcsCode.UNKNOWN, DcsCode.of(205_205));
    }

    @Test
    void functions() {
        Map<String, Method> inJava = new TreeMap<>();
        for (Method method : LibDcs.class.getDeclaredMethods()) {
            if (Modifier.isNative(method.getModifiers())) {
                inJava.put(method.getName(), method);
            }
        }
        Set<String> inHeader = new TreeSet<>();
        Matcher matcher = FUNCTION.matcher(header);
        while (matcher.find()) {
            String name = matcher.group(2);
            if (matcher.group(3).contains("dcs_log_callback")) {
                // Not bound on purpose: a callback would enter the virtual machine in the middle of a call,
                // in any thread. The binding drains the log with dcs_log_next.
                continue;
            }
            inHeader.add(name);
            Method method = inJava.get(name);
            if (method != null) {
                assertTakes(method, parameters(matcher.group(3)));
                assertTrue(classesFor(matcher.group(1).strip()).contains(method.getReturnType()), name);
            }
        }
        assertTrue(inHeader.contains("dcs_status"));
        assertEquals(inHeader, inJava.keySet());
    }

    private static void assertTakes(Method method, List<String> types) {
        Class<?>[] classes = method.getParameterTypes();
        assertEquals(types.size(), classes.length, method.getName());
        for (int i = 0; i < classes.length; i++) {
            assertTrue(classesFor(types.get(i)).contains(classes[i]), method.getName() + ": " + types.get(i));
        }
    }

    /** The parameters' types; their names are cut off. */
    private static List<String> parameters(String list) {
        if (list.strip().equals("void")) {
            return List.of();
        }
        return Arrays.stream(list.split(","))
                .map(parameter -> parameter.strip().replaceAll("\\w+$", "").strip())
                .collect(Collectors.toList());
    }

    /** The Java types that pass a C type as it is. */
    private static Set<Class<?>> classesFor(String type) {
        switch (type.replaceAll("\\bconst\\b|\\s", "")) {
            case "void":
                return Set.of(void.class);
            case "dcs_code":
            case "int32_t":
            case "uint32_t":
                return Set.of(int.class);
            case "int64_t":
            case "size_t":
                return Set.of(long.class);
            case "char*":
                return Set.of(byte[].class, long.class);
            case "uint8_t*":
                return Set.of(long.class);
            default:
                if (type.endsWith("**")) {
                    return Set.of(long[].class);
                }
                return type.endsWith("*") ? Set.of(long.class) : fail("no Java type is known for " + type);
        }
    }
}
