/*
 * Runs one path of the library several times under callgrind, which writes the instructions of each time to a separate
 * file. tests/integration/instructions.rs compiles this, runs it and reads the files:
 *
 *     valgrind --tool=callgrind --instr-atstart=no --callgrind-out-file=OUT calls URL CA CERTIFICATE KEY PATH TIMES
 *
 * PATH is `call` (a status call on a warm client) or `client` (creating and freeing a client). OUT.1 to OUT.TIMES have the
 * instructions. Exits with 1 and a message if a call fails, or if it neither uses a kept connection nor resumes its
 * session, because the number would then be meaningless.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <valgrind/callgrind.h>

#include <dcs.h>

#include "../client.h"

/* Calls that fill the caches: addresses, session tickets, connections, the allocator's lists. */
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
    int creates_clients, times, i;

    if (argc != 7 || (times = atoi(argv[6])) < 1) {
        fprintf(stderr, "usage: calls URL CA CERTIFICATE KEY call|client TIMES\n");
        return 1;
    }
    creates_clients = strcmp(argv[5], "client") == 0;
    client = new_client(argv[1], argv + 2, 0);
    for (i = 0; i < WARM_UP; i++) {
        if (creates_clients) {
            dcs_client_free(new_client(argv[1], argv + 2, 0));
        } else {
            call(client, i > 0);
        }
    }
    CALLGRIND_START_INSTRUMENTATION;
    for (i = 0; i < times; i++) {
        CALLGRIND_ZERO_STATS;
        if (creates_clients) {
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
