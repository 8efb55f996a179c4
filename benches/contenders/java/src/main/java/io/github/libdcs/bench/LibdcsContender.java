package io.github.libdcs.bench;

import io.github.libdcs.DcsClient;
import io.github.libdcs.DcsStatus;
import java.util.Map;

/** This library, from its jar: one client that all threads share, as in its README. */
final class LibdcsContender {
    private LibdcsContender() {
    }

    public static void main(String[] arguments) {
        Contender.main(arguments, Map.of("default", LibdcsContender::byDefault),
                () -> Map.of(
                        "libdcs", DcsClient.class.getPackage().getImplementationVersion(),
                        "JNA", com.sun.jna.Native.VERSION,
                        "JDK", Runtime.version().toString()));
    }

    private static Contender.Call byDefault(Contender.Target target) {
        DcsClient client = DcsClient.builder()
                .url(target.url)
                .caBundle(target.caBundle)
                .certificate(target.chain)
                .privateKey(target.key)
                .build();
        return () -> {
            DcsStatus status = client.status();
            if (!status.available()) {
                throw new IllegalStateException("the answer is not the expected one: " + status.json());
            }
        };
    }
}
