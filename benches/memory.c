/*
 * Counts the library's heap: that of a client, of an idle connection, of a call, and what calls leave behind.
 * benches/memory.py compiles and runs this:
 *
 *     memory CLOSE_URL KEEPALIVE_URL CA CERTIFICATE KEY CLIENTS CONNECTIONS CALLS
 *
 * It prints one line of JSON.
 */

#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dcs.h>

#include "client.h"
#include "heap.h"
#include "resident.h"

static dcs_status_response *status(dcs_client *client) {
    dcs_error *error = NULL;
    dcs_status_response *response = NULL;
    if (dcs_status(client, &response, &error) != DCS_OK || dcs_status_response_available(response) != 1) {
        fail("no status", error);
    }
    return response;
}

static void call(dcs_client *client) { dcs_status_response_free(status(client)); }

static pthread_barrier_t all_ready;
static atomic_int new_connections;

/* Makes one call that overlaps with all others, so that each call without an idle connection opens a new one. */
static void *overlapping_call(void *client) {
    dcs_status_response *response;
    pthread_barrier_wait(&all_ready);
    response = status(client);
    if (dcs_status_response_connection_reused(response) == 0) {
        atomic_fetch_add(&new_connections, 1);
    }
    dcs_status_response_free(response);
    return NULL;
}

/* Makes one call on each thread, all at the same time. */
static void call_at_once(dcs_client *client, int threads) {
    pthread_t *ids = malloc(sizeof *ids * (size_t)threads);
    int i;
    pthread_barrier_init(&all_ready, NULL, (unsigned)threads);
    for (i = 0; i < threads; i++) {
        if (pthread_create(&ids[i], NULL, overlapping_call, client) != 0) {
            fail("no thread", NULL);
        }
    }
    for (i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
    }
    pthread_barrier_destroy(&all_ready);
    free(ids);
}

struct cost {
    long heap, peak, allocations;
};

/* Returns the peak of one call above the heap before it, and what the call leaves behind. */
static struct cost cost_of_call(dcs_client *client) {
    struct cost cost;
    long before = atomic_load(&live), made = atomic_load(&taken);
    atomic_store(&peak, before);
    call(client);
    cost.peak = atomic_load(&peak) - before;
    cost.heap = atomic_load(&live) - before;
    cost.allocations = atomic_load(&taken) - made;
    return cost;
}

int main(int argc, char **argv) {
    int clients, connections, i;
    long calls, done, before, before_resident, client_heap, client_resident, first_heap, flat[3], flat_resident[3];
    long connection_heap, start_heap, start_resident, end_heap, end_blocks, start_blocks;
    struct cost kept, resumed;
    dcs_client *client, **many;
    char *close_url, *keep_url, **files;

    if (argc != 9 || (clients = atoi(argv[6])) < 1 || (connections = atoi(argv[7])) < 1 || (calls = atol(argv[8])) < 10) {
        fprintf(stderr, "usage: memory CLOSE_URL KEEPALIVE_URL CA CERTIFICATE KEY CLIENTS CONNECTIONS CALLS\n");
        return 1;
    }
    close_url = argv[1];
    keep_url = argv[2];
    files = argv + 3;
    many = malloc(sizeof *many * (size_t)clients);

    /* Allocations that the process makes once, for its first client, calls and threads, do not count for a client. */
    start_heap = atomic_load(&live);
    start_resident = resident();
    client = new_client(close_url, files, 0);
    call(client);
    dcs_client_free(client);
    client = new_client(keep_url, files, 0);
    call_at_once(client, connections);
    dcs_client_free(client);
    first_heap = atomic_load(&live) - start_heap;

    before = atomic_load(&live);
    start_blocks = atomic_load(&blocks);
    before_resident = resident();
    for (i = 0; i < clients; i++) {
        many[i] = new_client(close_url, files, 0);
    }
    client_heap = (atomic_load(&live) - before) / clients;
    client_resident = (resident() - before_resident) / clients;
    for (i = 0; i < clients; i++) {
        dcs_client_free(many[i]);
    }
    end_heap = atomic_load(&live) - before;
    end_blocks = atomic_load(&blocks) - start_blocks;

    client = new_client(close_url, files, 0);
    for (i = 0; i < 20; i++) {
        call(client);
    }
    resumed = cost_of_call(client);
    dcs_client_free(client);

    client = new_client(keep_url, files, 0);
    call(client);
    call(client);
    kept = cost_of_call(client);
    before = atomic_load(&live);
    atomic_store(&new_connections, 0);
    call_at_once(client, connections);
    /* One connection existed before. */
    connection_heap = atomic_load(&new_connections) > 0 ? (atomic_load(&live) - before) / atomic_load(&new_connections) : -1;
    dcs_client_free(client);

    /* Measures after a tenth of the calls, after half, and at the end. */
    client = new_client(keep_url, files, 0);
    for (done = 1; done <= calls; done++) {
        call(client);
        if (done == calls / 10 || done == calls / 2 || done == calls) {
            int at = done == calls ? 2 : done == calls / 2 ? 1 : 0;
            flat[at] = atomic_load(&live);
            flat_resident[at] = resident();
        }
    }
    dcs_client_free(client);

    printf("{\"process\": {\"heap\": %ld, \"resident_at_start\": %ld}, "
           "\"client\": {\"heap\": %ld, \"resident\": %ld, \"left_heap\": %ld, \"left_blocks\": %ld, \"of\": %d}, "
           "\"idle_connection\": {\"heap\": %ld, \"of\": %d}, "
           "\"call_kept\": {\"peak\": %ld, \"left\": %ld, \"allocations\": %ld}, "
           "\"call_resumed\": {\"peak\": %ld, \"left\": %ld, \"allocations\": %ld}, "
           "\"flat\": {\"calls\": %ld, \"heap\": [%ld, %ld, %ld], \"resident\": [%ld, %ld, %ld]}}\n",
           first_heap, start_resident, client_heap, client_resident, end_heap, end_blocks, clients, connection_heap,
           atomic_load(&new_connections), kept.peak, kept.heap, kept.allocations, resumed.peak, resumed.heap,
           resumed.allocations, calls, flat[0], flat[1], flat[2], flat_resident[0], flat_resident[1], flat_resident[2]);
    free(many);
    return 0;
}
