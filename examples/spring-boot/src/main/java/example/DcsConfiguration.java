package example;

import io.github.libdcs.DcsClient;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Creates the one client of this service, which all threads share. */
@Configuration
class DcsConfiguration {
    /** Spring closes the client on shutdown. If a file is invalid, the start fails with the reason. */
    @Bean(destroyMethod = "close")
    DcsClient dcsClient(DcsProperties properties) {
        DcsClient.Builder builder = DcsClient.builder()
                .caBundle(properties.caBundle())
                .certificate(properties.certificate())
                .privateKey(properties.privateKey())
                .timeout(properties.timeout())
                .reloadInterval(properties.reloadInterval());
        if (properties.url() != null) {
            builder.url(properties.url());
        }
        if (properties.privateKeyPassword() != null) {
            builder.password(properties.privateKeyPassword().toCharArray());
        }
        return builder.build();
    }
}
