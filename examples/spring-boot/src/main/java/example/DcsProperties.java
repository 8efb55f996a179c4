package example;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * Holds the settings below {@code dcs.} of application.properties, or of environment variables: {@code DCS_CA_BUNDLE}.
 *
 * @param url the endpoint; null for the integration endpoint
 * @param privateKeyPassword the password of an encrypted private key, or null
 * @param timeout the limit for a whole call
 * @param reloadInterval how often calls check whether the files have changed, for certificate rotation
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
