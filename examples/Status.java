import io.github.libdcs.DcsClient;
import io.github.libdcs.DcsException;
import io.github.libdcs.DcsStatus;

/**
 * Requests the status of the DCS, with the settings from the environment: DCS_URL, DCS_CA_BUNDLE,
 * DCS_CERTIFICATE and DCS_PRIVATE_KEY.
 */
public final class Status {
    private Status() {
    }

    /**
     * Prints the status, or the error and what to do about it.
     *
     * @param arguments none
     */
    public static void main(String[] arguments) {
        // A service keeps its client for as long as it runs. Any thread may call it.
        try (DcsClient client = DcsClient.fromEnvironment()) {
            DcsStatus status = client.status();
            System.out.println("available: " + (status.available() ? "yes" : "no"));
            status.message().ifPresent(message -> System.out.println("message: " + message));
            status.scheduledOutages().forEach(outage ->
                System.out.println("planned outage: " + outage.start() + " to " + outage.end()));
        } catch (DcsException error) {
            System.err.println(error.getMessage());
            System.exit(1);
        }
    }
}
