/* The protocol of benches/README.md: reads commands, makes calls on threads, measures them. */

#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "contender.h"

#define MAX_THREADS 256

struct share {
    void *worker;
    int64_t *latencies;
    long calls;
};

static void *workers[MAX_THREADS];

void fail(const char *format, ...) {
    va_list values;
    va_start(values, format);
    vfprintf(stderr, format, values);
    va_end(values);
    fputc('\n', stderr);
    exit(1);
}

static int64_t now(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void *make_calls(void *argument) {
    struct share *share = argument;
    int64_t begun = now(CLOCK_MONOTONIC);
    for (long call = 0; call < share->calls; call++) {
        contender_call(share->worker);
        int64_t ended = now(CLOCK_MONOTONIC);
        share->latencies[call] = ended - begun;
        begun = ended;
    }
    return NULL;
}

/* The calling thread takes the first share, so that a run with one thread starts no other. */
static void run(long calls, long threads) {
    struct share shares[MAX_THREADS];
    pthread_t handles[MAX_THREADS];
    int64_t *latencies = calloc((size_t)calls, sizeof *latencies);
    if (latencies == NULL) {
        fail("no memory for %ld latencies", calls);
    }
    long given = 0;
    for (long i = 0; i < threads; i++) {
        if (workers[i] == NULL) {
            workers[i] = contender_worker();
        }
        shares[i].worker = workers[i];
        shares[i].latencies = latencies + given;
        shares[i].calls = calls / threads + (i < calls % threads);
        given += shares[i].calls;
    }

    int64_t wall = now(CLOCK_MONOTONIC);
    int64_t cpu = now(CLOCK_PROCESS_CPUTIME_ID);
    for (long i = 1; i < threads; i++) {
        if (pthread_create(&handles[i], NULL, make_calls, &shares[i]) != 0) {
            fail("cannot start a thread");
        }
    }
    make_calls(&shares[0]);
    for (long i = 1; i < threads; i++) {
        pthread_join(handles[i], NULL);
    }
    cpu = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    wall = now(CLOCK_MONOTONIC) - wall;

    printf("{\"latencies_ns\": [");
    for (long i = 0; i < calls; i++) {
        printf("%s%lld", i == 0 ? "" : ", ", (long long)latencies[i]);
    }
    printf("], \"wall_ns\": %lld, \"cpu_ns\": %lld}\n", (long long)wall, (long long)cpu);
    free(latencies);
}

int main(int count, char **values) {
    if (count < 6 || count > 7 || (count == 7 && strcmp(values[6], "once") != 0)) {
        fprintf(stderr, "usage: %s URL CA_BUNDLE CERTIFICATE_CHAIN PRIVATE_KEY VARIANT [once]\n", values[0]);
        return 2;
    }
    struct arguments arguments = {values[1], values[2], values[3], values[4], values[5]};
    contender_start(&arguments);
    if (count == 7) {
        contender_call(contender_worker());
        return 0;
    }
    char line[256];
    while (fgets(line, sizeof line, stdin) != NULL) {
        long calls, threads;
        if (strcmp(line, "quit\n") == 0) {
            break;
        }
        if (strcmp(line, "versions\n") == 0) {
            contender_versions();
        } else if (sscanf(line, "run %ld %ld", &calls, &threads) == 2 && calls >= 1 && threads >= 1 &&
                   threads <= MAX_THREADS) {
            run(calls, threads);
        } else {
            fail("not a command: %s", line);
        }
        fflush(stdout);
    }
    return 0;
}
