package io.github.libdcs;

import static org.junit.jupiter.api.Assertions.fail;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;

/** Gives access to the servers and files of the {@code dcs-testbed} that runs these tests. */
final class Testbed {
    private static final String VARIABLE = "DCS_TESTBED";

    private Testbed() {
    }

    /** Returns the URL of a path at a listener, such as {@code tls12_close}. */
    static URI url(String listener, String path) {
        return URI.create(entry("urls", listener) + path);
    }

    /** Returns the path of a file, such as {@code client_cert}. */
    static Path file(String name) {
        return Path.of(entry("files", name));
    }

    static byte[] bytes(String name) {
        try {
            return Files.readAllBytes(file(name));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Returns a builder of a client that the server accepts. */
    static DcsClient.Builder builder(String listener, String path) {
        return withCertificate(listener, path, "client_cert", "client_key");
    }

    static DcsClient.Builder withCertificate(String listener, String path, String certificate, String key) {
        return withoutCertificate(listener, path).certificate(file(certificate)).privateKey(file(key));
    }

    static DcsClient.Builder withoutCertificate(String listener, String path) {
        return DcsClient.builder().url(url(listener, path)).caBundle(file("ca_bundle"));
    }

    private static String entry(String group, String name) {
        String path = System.getenv(VARIABLE);
        if (path == null) {
            return fail(VARIABLE + " is not set; run the tests as `dcs-testbed -- mvn verify`");
        }
        JsonElement entry = read(Path.of(path)).getAsJsonObject(group).get(name);
        return entry == null ? fail(path + " has no " + name + " in " + group) : entry.getAsString();
    }

    private static JsonObject read(Path path) {
        try {
            return JsonParser.parseString(Files.readString(path)).getAsJsonObject();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
