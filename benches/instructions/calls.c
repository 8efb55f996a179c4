/*
 * Runs one path of the library again and again under callgrind, and has the instructions of each time written to a file of
 * its own. tests/integration/instructions.rs compiles this, runs it and reads the files:
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

#include "../client.h"

/* Fills the caches: addresses, session tickets, connections, the allocator's lists. */
enum { WARM_UP = 5 };

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
    client = new_client(argv[1], argv + 2, 0);
    for (i = 0; i < WARM_UP; i++) {
        if (making) {
            dcs_client_free(new_client(argv[1], argv + 2, 0));
        } else {
            call(client, i > 0);
        }
    }
    CALLGRIND_START_INSTRUMENTATION;
    for (i = 0; i < times; i++) {
        CALLGRIND_ZERO_STATS;
        if (making) {
            dcs_client_free(new_client(argv[1], argv + 2, 0));
        } else {
            call(client, 1);
        }
        CALLGRIND_DUMP_STATS;
    }
    CALLGRIND_STOP_INSTRUMENTATION;
    dcs_client_free(client);
    return 0;
}
