/*
 * Requests the DCS's status, with the settings from the environment:
 * DCS_URL, DCS_CA_BUNDLE, DCS_CERTIFICATE and DCS_PRIVATE_KEY.
 *
 *     cc -o status examples/status.c -Iinclude -Ltarget/release -ldcs -Wl,-rpath,$PWD/target/release
 *     ./status
 */

#include <stdio.h>

#include <dcs.h>

static int failed(dcs_error *error) {
    fprintf(stderr, "%s: %s\n%s\n", dcs_code_name(dcs_error_code(error)), dcs_error_message(error),
            dcs_error_hint(error));
    dcs_error_free(error);
    return 1;
}

int main(void) {
    dcs_error *error = NULL;
    dcs_client *client = NULL;
    dcs_status_response *status = NULL;
    int result = 0;

    dcs_config *config = dcs_config_new();
    if (dcs_config_load_env(config, &error) != DCS_OK ||
        dcs_client_new(config, &client, &error) != DCS_OK) {
        dcs_config_free(config);
        return failed(error);
    }
    dcs_config_free(config);

    /* Keep the client for as long as the service runs; any thread may call it. */
    if (dcs_status(client, &status, &error) == DCS_OK) {
        const char *message = dcs_status_response_message(status);
        size_t i;

        printf("available: %s\n", dcs_status_response_available(status) ? "yes" : "no");
        if (message != NULL) {
            printf("message: %s\n", message);
        }
        for (i = 0; i < dcs_status_response_outage_count(status); i++) {
            printf("planned outage: %s to %s\n", dcs_status_response_outage_start(status, i),
                   dcs_status_response_outage_end(status, i));
        }
        printf("%s, %s, session %s, %.1f ms\n", dcs_status_response_tls_version(status),
               dcs_status_response_tls_cipher(status),
               dcs_status_response_tls_session_resumed(status) ? "resumed" : "new",
               (double)dcs_status_response_total_us(status) / 1000.0);
    } else {
        result = failed(error);
    }
    dcs_status_response_free(status);
    dcs_client_free(client);
    return result;
}
