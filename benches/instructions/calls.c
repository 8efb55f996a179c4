/*
 * Runs one path of the library again and again under callgrind, and has the instructions of each time written to a file of
 * its own. tests/instructions.rs compiles this, runs it and reads the files:
 *
 *     valgrind --tool=callgrind --instr-atstart=no --callgrind-out-file=OUT calls URL CA CERTIFICATE KEY PATH TIMES
 *
 * PATH is `call` (a status call, on a client that has made some already) or `client` (a client made and freed). OUT.1 to
 * OUT.TIMES are what the times cost. Ends with 1 and a message where a call fails, or does not go as it must for the
 * number to mean anything: a call has to go over a kept connection or resume its session.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <valgrind/callgrind.h>

#include <dcs.h>

/* Fills the caches: addresses, session tickets, connections, the allocator's lists. */
enum { WARM_UP = 5 };

static void fail(const char *what, dcs_error *error) {
    fprintf(stderr, "%s: %s\n", what, error ? dcs_error_message(error) : "no error");
    exit(1);
}

static dcs_client *new_client(char **files) {
    dcs_error *error = NULL;
    dcs_client *client = NULL;
    dcs_config *config = dcs_config_new();
    if (dcs_config_set_url(config, files[0]) != DCS_OK ||
        dcs_config_set_ca_bundle_file(config, files[1]) != DCS_OK ||
        dcs_config_set_certificate_file(config, files[2]) != DCS_OK ||
        dcs_config_set_private_key_file(config, files[3]) != DCS_OK ||
        dcs_client_new(config, &client, &error) != DCS_OK) {
        fail("no client", error);
    }
    dcs_config_free(config);
    return client;
}

static void call(dcs_client *client, int warm) {
    dcs_error *error = NULL;
    dcs_status_response *status = NULL;
    if (dcs_status(client, &status, &error) != DCS_OK) {
        fail("no status", error);
    }
    if (dcs_status_response_available(status) != 1) {
        fail("not available", NULL);
    }
    if (warm && dcs_status_response_connection_reused(status) != 1 &&
        dcs_status_response_tls_session_resumed(status) != 1) {
        fail("neither a kept connection nor a resumed session", NULL);
    }
    dcs_status_response_free(status);
}

int main(int argc, char **argv) {
    dcs_client *client;
    int making, times, i;

    if (argc != 7 || (times = atoi(argv[6])) < 1) {
        fprintf(stderr, "usage: calls URL CA CERTIFICATE KEY call|client TIMES\n");
        return 1;
    }
    making = strcmp(argv[5], "client") == 0;
    client = new_client(argv + 1);
    for (i = 0; i < WARM_UP; i++) {
        if (making) {
            dcs_client_free(new_client(argv + 1));
        } else {
            call(client, i > 0);
        }
    }
    CALLGRIND_START_INSTRUMENTATION;
    for (i = 0; i < times; i++) {
        CALLGRIND_ZERO_STATS;
        if (making) {
            dcs_client_free(new_client(argv + 1));
        } else {
            call(client, 1);
        }
        CALLGRIND_DUMP_STATS;
    }
    CALLGRIND_STOP_INSTRUMENTATION;
    dcs_client_free(client);
    return 0;
}
