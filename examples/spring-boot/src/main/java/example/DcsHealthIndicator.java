package example;

import io.github.libdcs.DcsClient;
import io.github.libdcs.DcsException;
import io.github.libdcs.DcsStatus;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.stereotype.Component;

/** Provides the component "dcs" of /actuator/health. */
@Component
class DcsHealthIndicator implements HealthIndicator {
    private final DcsClient client;

    DcsHealthIndicator(DcsClient client) {
        this.client = client;
    }

    @Override
    public Health health() {
        Health.Builder health = new Health.Builder();
        try {
            DcsStatus status = client.status();
            // An outage of the DCS is not a fault of this service, and restarting this service would not help.
            health.status(status.available() ? "UP" : "OUT_OF_SERVICE");
            status.message().ifPresent(message -> health.withDetail("message", message));
        } catch (DcsException e) {
            health.down().withDetail("code", e.code().name()).withDetail("reason", e.message());
        }
        client.certificateNotAfter().ifPresent(end -> health.withDetail("certificateNotAfter", end));
        return health.build();
    }
}
