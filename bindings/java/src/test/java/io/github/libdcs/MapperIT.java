package io.github.libdcs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.fasterxml.jackson.annotation.JsonAutoDetect.Visibility;
import com.fasterxml.jackson.annotation.PropertyAccessor;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.google.gson.Gson;
import java.io.Serializable;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.jar.JarFile;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Tests objects that a mapper reads, prints or copies, and which types can be serialized. */
class MapperIT {
    private static final String PASSWORD = "correct horse";
    private static final Gson GSON = new Gson();

    @Test
    void numberInJsonBecomesNoAddress() throws Exception {
        assertEquals("done", ChildJvm.run(ReadEveryClass.class, Map.of(),
                "-Dlibdcs.jar=" + System.getProperty("libdcs.jar")));
    }

    /** Creates an object of every class that a mapper can create from a number, and uses it; an address would crash. */
    static final class ReadEveryClass {
        private ReadEveryClass() {
        }

        public static void main(String[] arguments) throws Exception {
            DcsClient.builder();
            for (ObjectMapper mapper : mappers()) {
                for (Class<?> type : classes()) {
                    for (String json : List.of("4711", "\"4711\"", "{}",
                            "{\"address\":4711,\"response\":4711,\"report\":4711,\"index\":0}")) {
                        try {
                            Object object = mapper.readValue(json, type);
                            object.toString();
                            object.hashCode();
                        } catch (JsonProcessingException | RuntimeException e) {
                            continue;
                        }
                    }
                }
            }
            System.out.println("done");
        }
    }

    @Test
    void copyOwnsNothing() {
        ClientHandle handle = new ClientHandle(4711, address -> { });
        ClientHandle copy = GSON.fromJson(GSON.toJson(handle), ClientHandle.class);
        assertThrows(IllegalStateException.class, () -> copy.enter(new Cancellation()));
        copy.run();
        assertEquals(4711, handle.enter(new Cancellation()));

        try (DcsClient client = Testbed.builder("tls12_close", "/checks/passport").build()) {
            assertThrows(RuntimeException.class, GSON.fromJson(GSON.toJson(client), DcsClient.class)::status);
        }
    }

    @Test
    void mappersPrintNoSecret() {
        List<Object> objects = new ArrayList<>();
        DcsClient.Builder builder = builder();
        objects.add(builder);
        objects.add(assertThrows(DcsException.class,
                () -> builder().password("battery staple".toCharArray()).build()));
        try (DcsClient client = builder().proxy(null).build()) {
            objects.add(client);
            objects.add(client.status());
            objects.add(builder.diagnose());
            for (ObjectMapper mapper : mappers()) {
                for (Object object : objects) {
                    assertNoSecret(object, mapper::writeValueAsString);
                }
            }
            for (Object object : objects) {
                assertNoSecret(object, GSON::toJson);
            }
        }
    }

    private static void assertNoSecret(Object object, Printer printer) {
        String text;
        try {
            text = printer.print(object);
        } catch (Exception e) { // A class of the JDK that the mapper may not read.
            text = String.valueOf(e.getMessage());
        }
        for (String secret : List.of(PASSWORD, "hunter2", "battery", "PRIVATE KEY")) {
            assertFalse(text.contains(secret), text);
        }
    }

    @Test
    void onlyExceptionsAndConstantsAreSerializable() throws Exception {
        for (Class<?> type : classes()) {
            boolean isValue = Throwable.class.isAssignableFrom(type) || type.isEnum() || type == ErrorDetails.class;
            assertEquals(isValue, Serializable.class.isAssignableFrom(type), type.getName());
            assertFalse(Cloneable.class.isAssignableFrom(type), type.getName());
        }
    }

    private static DcsClient.Builder builder() {
        return Testbed.builder("tls12_close", "/checks/passport")
                .privateKey(Testbed.bytes("client_key_encrypted"))
                .password(PASSWORD.toCharArray())
                .proxy(URI.create("http://user:hunter2@localhost:1"));
    }

    /** Returns a mapper with Jackson's defaults, and one that uses private fields and constructors. */
    private static List<ObjectMapper> mappers() {
        ObjectMapper reflective = new ObjectMapper();
        reflective.setVisibility(PropertyAccessor.ALL, Visibility.ANY);
        reflective.disable(SerializationFeature.FAIL_ON_EMPTY_BEANS);
        return List.of(new ObjectMapper(), reflective);
    }

    /** Returns all classes of the jar. */
    private static List<Class<?>> classes() throws Exception {
        try (JarFile jar = new JarFile(Path.of(System.getProperty("libdcs.jar")).toFile())) {
            List<String> names = jar.stream().map(entry -> entry.getName())
                    .filter(name -> name.endsWith(".class") && !name.contains("-info"))
                    .map(name -> name.substring(0, name.length() - ".class".length()).replace('/', '.'))
                    .collect(Collectors.toList());
            List<Class<?>> classes = new ArrayList<>();
            for (String name : names) {
                classes.add(Class.forName(name));
            }
            return classes;
        }
    }

    /** One of the mappers' functions that print an object. */
    private interface Printer {
        String print(Object object) throws Exception;
    }
}
