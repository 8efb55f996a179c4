package example;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * The settings below {@code dcs.} in application.properties, or as environment variables: {@code DCS_CA_BUNDLE}.
 *
 * @param url the service's address; null is its integration environment
 * @param privateKeyPassword of an encrypted private key, or null
 * @param timeout for a whole call
 * @param reloadInterval how often calls look whether the files have changed, for renewed certificates
 */
@ConfigurationProperties("dcs")
public record DcsProperties(
        URI url,
        Path caBundle,
        Path certificate,
        Path privateKey,
        String privateKeyPassword,
        @DefaultValue("10s") Duration timeout,
        @DefaultValue("1m") Duration reloadInterval) {
}
