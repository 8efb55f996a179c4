/*
 * The library's part of benches/scaling.py: a contender, as benches/README.md describes them, through the C ABI.
 *
 *     scaling URL CA_BUNDLE CERTIFICATE_CHAIN PRIVATE_KEY VARIANT [once]
 *
 * VARIANT is the number of clients; thread N calls with client N modulo that. The clients live as long as the program.
 */

#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <dcs.h>

#include "client.h"

static dcs_client **clients;
static int client_count;
static int64_t *latencies;

struct share {
    int thread;
    long first, end;
};

static int64_t now(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void call(dcs_client *client) {
    dcs_error *error = NULL;
    dcs_status_response *status = NULL;
    if (dcs_status(client, &status, &error) != DCS_OK || dcs_status_response_available(status) != 1) {
        fail("no status", error);
    }
    dcs_status_response_free(status);
}

static void *work(void *argument) {
    const struct share *share = argument;
    long i;
    for (i = share->first; i < share->end; i++) {
        int64_t begun = now(CLOCK_MONOTONIC);
        call(clients[share->thread % client_count]);
        latencies[i] = now(CLOCK_MONOTONIC) - begun;
    }
    return NULL;
}

static void run(long calls, int threads) {
    pthread_t *ids = malloc(sizeof *ids * (size_t)threads);
    struct share *shares = malloc(sizeof *shares * (size_t)threads);
    int64_t begun, cpu;
    long i;

    latencies = calloc((size_t)calls, sizeof *latencies);
    if (ids == NULL || shares == NULL || latencies == NULL) {
        fail("no memory", NULL);
    }
    begun = now(CLOCK_MONOTONIC);
    cpu = now(CLOCK_PROCESS_CPUTIME_ID);
    for (i = 0; i < threads; i++) {
        shares[i].thread = (int)i;
        shares[i].first = calls * i / threads;
        shares[i].end = calls * (i + 1) / threads;
        if (pthread_create(&ids[i], NULL, work, &shares[i]) != 0) {
            fail("no thread", NULL);
        }
    }
    for (i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
    }
    begun = now(CLOCK_MONOTONIC) - begun;
    cpu = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    printf("{\"latencies_ns\": [");
    for (i = 0; i < calls; i++) {
        printf(i == 0 ? "%lld" : ",%lld", (long long)latencies[i]);
    }
    printf("], \"wall_ns\": %lld, \"cpu_ns\": %lld}\n", (long long)begun, (long long)cpu);
    fflush(stdout);
    free(latencies);
    free(shares);
    free(ids);
}

int main(int argc, char **argv) {
    char line[256];
    long calls;
    int threads, i;

    if (argc < 6 || (client_count = atoi(argv[5])) < 1) {
        fprintf(stderr, "usage: scaling URL CA_BUNDLE CERTIFICATE_CHAIN PRIVATE_KEY CLIENTS [once]\n");
        return 1;
    }
    clients = malloc(sizeof *clients * (size_t)client_count);
    if (clients == NULL) {
        fail("no memory", NULL);
    }
    for (i = 0; i < client_count; i++) {
        clients[i] = new_client(argv[1], argv + 2, 0);
    }
    if (argc > 6 && strcmp(argv[6], "once") == 0) {
        call(clients[0]);
    } else {
        while (fgets(line, sizeof line, stdin) != NULL && strcmp(line, "quit\n") != 0) {
            if (strcmp(line, "versions\n") == 0) {
                printf("{\"libdcs\": \"%s\"}\n", dcs_version());
                fflush(stdout);
            } else if (sscanf(line, "run %ld %d", &calls, &threads) == 2 && threads > 0 && calls >= threads) {
                run(calls, threads);
            } else {
                fprintf(stderr, "not a command: %s", line);
                return 1;
            }
        }
    }
    for (i = 0; i < client_count; i++) {
        dcs_client_free(clients[i]);
    }
    free(clients);
    return 0;
}
