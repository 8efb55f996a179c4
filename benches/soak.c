/*
 * Calls without end from many threads over a few clients, while the files are reloaded and calls interrupted, and
 * counts what comes of it. benches/soak.py compiles it, tells it what to do and does harm to the server meanwhile.
 *
 *     soak THREADS TIMEOUT_MS RELOAD_MS INTERRUPT_MS CA CERTIFICATE KEY URL...
 *
 * One client for each URL, shared by THREADS threads. One client after the other is reloaded every RELOAD_MS and
 * interrupted every INTERRUPT_MS. Commands come as lines on standard input, each is answered by one line of JSON:
 *
 *     sample     how many calls there were, and what the process holds at the moment
 *     measure    the same once all calls have ended and each client has let go of its connections by a reload
 *     rest       stops the calls, and leaves the connections that are kept as they are
 *     prove N    each thread makes N calls, which are counted apart, and no more after them
 *     end        frees the clients and tells all
 */

#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <dcs.h>

#include "client.h"
#include "memory/held.h"

#define CLIENTS 8
/* The codes are less than this; the last of these numbers stand for what no caller may ever see. */
#define CODES 1000
#define WRONG_ANSWER 998
#define WRONG_ERROR 999

static const char ANSWER[] = "{\"available\":true,\"scheduledOutages\":[]}";

/* What came of calls of one kind, by code. Static, so that the heap's count is the library's alone. */
struct outcomes {
    atomic_long count[CODES];
    atomic_llong longest_us[CODES];
    /* The same without the time in which the thread could have run and had no processor. */
    atomic_llong longest_own_us[CODES];
    char example[CODES][240];
};

static struct outcomes calls[CLIENTS], proof[CLIENTS], reloads;
static dcs_client *clients[CLIENTS];
static int client_count, threads, reload_ms, interrupt_ms;
static atomic_long calls_made, interruptions, reused[CLIENTS];

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static enum { CALLING, PAUSED, PROVING, OVER } state;
static atomic_int must_look, own_descriptors;
static int at_rest, proved;
static long proof_calls;

static long long now_us(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (long long)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

static void rest_ms(long ms) {
    struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&time, NULL);
}

static void raise_to(atomic_llong *highest, long long value) {
    long long before = atomic_load(highest);
    while (value > before && !atomic_compare_exchange_weak(highest, &before, value)) {
    }
}

/* How long this thread has waited for a processor so far; 0 where the kernel does not count that. */
static long long waited_us(void) {
    static _Thread_local int file = -1;
    char text[80] = "";
    long long ran, waited;
    if (file == -1) {
        file = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
        own_descriptors += file >= 0;
    }
    if (file < 0 || pread(file, text, sizeof text - 1, 0) <= 0 || sscanf(text, "%lld %lld", &ran, &waited) != 2) {
        return 0;
    }
    return waited / 1000;
}

static void note(struct outcomes *outcomes, int code, long long us, long long own_us, const char *example) {
    if (atomic_fetch_add(&outcomes->count[code], 1) == 0 && example != NULL) {
        strncpy(outcomes->example[code], example, sizeof outcomes->example[code] - 1);
    }
    raise_to(&outcomes->longest_us[code], us);
    raise_to(&outcomes->longest_own_us[code], own_us);
}

/* The code to count: that of the call, unless what came with it is not what the header promises. */
static int checked(dcs_code code, const dcs_error *error) {
    int is_right = code == DCS_OK ? error == NULL
                                  : error != NULL && dcs_error_code(error) == code && code > 0 && code < WRONG_ANSWER &&
                                        dcs_error_message(error)[0] != '\0' && dcs_error_hint(error)[0] != '\0';
    return is_right ? code : WRONG_ERROR;
}

static int call(int client, struct outcomes *outcomes) {
    dcs_status_response *status = NULL;
    dcs_error *error = NULL;
    long long waited = waited_us(), begun = now_us();
    dcs_code got = dcs_status(clients[client], &status, &error);
    long long us = now_us() - begun;
    int code = checked(got, error);

    if ((got == DCS_OK) != (status != NULL) ||
        (got == DCS_OK && (dcs_status_response_available(status) != 1 ||
                           strcmp(dcs_status_response_json(status), ANSWER) != 0))) {
        code = WRONG_ANSWER;
    }
    note(outcomes, code, us, us - (waited_us() - waited), error != NULL ? dcs_error_message(error) : NULL);
    if (status != NULL && outcomes == &calls[client]) {
        atomic_fetch_add(&reused[client], dcs_status_response_connection_reused(status));
    }
    dcs_status_response_free(status);
    dcs_error_free(error);
    return code;
}

static int reload(int client) {
    dcs_error *error = NULL;
    long long waited = waited_us(), begun = now_us();
    dcs_code got = dcs_client_reload(clients[client], &error);
    int code = checked(got, error);
    long long us = now_us() - begun;
    note(&reloads, code, us, us - (waited_us() - waited), error != NULL ? dcs_error_message(error) : NULL);
    dcs_error_free(error);
    return code;
}

/* Waits while all shall rest; whether to go on as before. */
static int go_on(void) {
    int is_calling;
    pthread_mutex_lock(&lock);
    at_rest++;
    pthread_cond_broadcast(&changed);
    while (state == PAUSED) {
        pthread_cond_wait(&changed, &lock);
    }
    is_calling = state == CALLING;
    if (is_calling) {
        at_rest--;
    }
    pthread_mutex_unlock(&lock);
    return is_calling;
}

static void *work(void *argument) {
    int client = *(const int *)argument;
    long i;
    do {
        while (!atomic_load(&must_look)) {
            if (call(client, &calls[client]) == DCS_ERR_CONNECT) {
                /* Else the pauses in which nothing listens would use up most of the calls. */
                rest_ms(5);
            }
            atomic_fetch_add(&calls_made, 1);
        }
    } while (go_on());
    for (i = 0; i < proof_calls; i++) {
        call(client, &proof[client]);
    }
    pthread_mutex_lock(&lock);
    proved++;
    pthread_cond_broadcast(&changed);
    while (state != OVER) {
        pthread_cond_wait(&changed, &lock);
    }
    pthread_mutex_unlock(&lock);
    return NULL;
}

/* Reloads and interrupts the clients in turn. */
static void *meddle(void *unused) {
    long long reload_at = now_us(), interrupt_at = reload_at;
    int reloaded = 0, interrupted = 0;
    (void)unused;
    do {
        while (!atomic_load(&must_look)) {
            rest_ms(reload_ms < interrupt_ms ? reload_ms : interrupt_ms);
            if (now_us() >= reload_at) {
                reload(reloaded++ % client_count);
                reload_at = now_us() + reload_ms * 1000LL;
            }
            if (now_us() >= interrupt_at) {
                if (dcs_client_interrupt(clients[interrupted++ % client_count]) != DCS_OK) {
                    fail("not interrupted", NULL);
                }
                atomic_fetch_add(&interruptions, 1);
                interrupt_at = now_us() + interrupt_ms * 1000LL;
            }
        }
    } while (go_on());
    return NULL;
}

static void change(int to) {
    pthread_mutex_lock(&lock);
    state = to;
    atomic_store(&must_look, to != CALLING);
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static int thread_count(void) { return threads * client_count + 2; }

static int entries(const char *path) {
    int count = 0;
    struct dirent *entry;
    DIR *folder = opendir(path);
    if (folder == NULL) {
        fail(path, NULL);
    }
    while ((entry = readdir(folder)) != NULL) {
        count += entry->d_name[0] != '.';
    }
    closedir(folder);
    return count;
}

static void tell_sample(void) {
    /* The heap first: looking at the others takes some. This program's own descriptors are not counted. */
    long heap = atomic_load(&live), held = atomic_load(&blocks);
    printf("{\"calls\": %ld, \"heap\": %ld, \"blocks\": %ld, \"resident\": %ld, \"descriptors\": %d, "
           "\"threads\": %d}\n",
           atomic_load(&calls_made), heap, held, resident(), entries("/proc/self/fd") - 1 - own_descriptors,
           entries("/proc/self/task"));
    fflush(stdout);
}

/* Waits until no call, reload or interruption is under way. */
static void pause_all(void) {
    change(PAUSED);
    pthread_mutex_lock(&lock);
    while (at_rest < thread_count() - 1) {
        pthread_cond_wait(&changed, &lock);
    }
    pthread_mutex_unlock(&lock);
}

/* What is held when nothing is under way and no connection is kept. */
static void measure(void) {
    int i, attempts = 0;
    pause_all();
    for (i = 0; i < client_count; i++) {
        if (reload(i) != DCS_OK) {
            fail("the files cannot be reloaded", NULL);
        }
    }
    /* The thread of a look-up may still be on its way out. */
    while (entries("/proc/self/task") != thread_count() && attempts++ < 500) {
        rest_ms(10);
    }
    tell_sample();
    change(CALLING);
}

static void prove(long count) {
    pause_all();
    proof_calls = count;
    change(PROVING);
    pthread_mutex_lock(&lock);
    while (proved < threads * client_count) {
        pthread_cond_wait(&changed, &lock);
    }
    pthread_mutex_unlock(&lock);
    tell_sample();
}

static void tell_outcomes(const struct outcomes *outcomes) {
    const char *separator = "";
    const char *letter;
    int code;
    printf("{");
    for (code = 0; code < CODES; code++) {
        const char *name = code == WRONG_ANSWER  ? "WRONG_ANSWER"
                           : code == WRONG_ERROR ? "WRONG_ERROR"
                                                 : dcs_code_name(code);
        if (outcomes->count[code] == 0) {
            continue;
        }
        printf("%s\"%s\": {\"count\": %ld, \"longest_us\": %lld, \"longest_own_us\": %lld, \"example\": \"", separator,
               name != NULL ? name : "UNNAMED", outcomes->count[code], outcomes->longest_us[code],
               outcomes->longest_own_us[code]);
        for (letter = outcomes->example[code]; *letter != '\0'; letter++) {
            printf(*letter == '"' || *letter == '\\' ? "\\%c" : "%c", *letter);
        }
        printf("\"}");
        separator = ", ";
    }
    printf("}");
}

static void tell_all(long before, long after) {
    int i;
    printf("{\"interruptions\": %ld, \"heap_before_clients\": %ld, \"heap_after_clients\": %ld, \"reloads\": ",
           atomic_load(&interruptions), before, after);
    tell_outcomes(&reloads);
    printf(", \"calls\": [");
    for (i = 0; i < client_count; i++) {
        printf(i > 0 ? ", " : "");
        tell_outcomes(&calls[i]);
    }
    printf("], \"reused\": [");
    for (i = 0; i < client_count; i++) {
        printf(i > 0 ? ", %ld" : "%ld", atomic_load(&reused[i]));
    }
    printf("], \"proof\": [");
    for (i = 0; i < client_count; i++) {
        printf(i > 0 ? ", " : "");
        tell_outcomes(&proof[i]);
    }
    printf("]}\n");
    fflush(stdout);
}

int main(int argc, char **argv) {
    static int numbers[CLIENTS];
    pthread_t *ids, meddler;
    char line[64];
    long before, after, count;
    int i, timeout_ms;

    client_count = argc - 8;
    if (client_count < 1 || client_count > CLIENTS || (threads = atoi(argv[1])) < 1 ||
        (timeout_ms = atoi(argv[2])) < 1 || (reload_ms = atoi(argv[3])) < 1 ||
        (interrupt_ms = atoi(argv[4])) < 1) {
        fprintf(stderr, "usage: soak THREADS TIMEOUT_MS RELOAD_MS INTERRUPT_MS CA CERTIFICATE KEY URL...\n");
        return 1;
    }
    ids = malloc(sizeof *ids * (size_t)(threads * client_count));
    before = atomic_load(&live);
    for (i = 0; i < client_count; i++) {
        clients[i] = new_client(argv[8 + i], argv + 5, (uint32_t)timeout_ms);
        numbers[i] = i;
    }
    for (i = 0; i < threads * client_count; i++) {
        if (pthread_create(&ids[i], NULL, work, &numbers[i % client_count]) != 0) {
            fail("no thread", NULL);
        }
    }
    if (pthread_create(&meddler, NULL, meddle, NULL) != 0) {
        fail("no thread", NULL);
    }
    while (fgets(line, sizeof line, stdin) != NULL && strcmp(line, "end\n") != 0) {
        if (strcmp(line, "sample\n") == 0) {
            tell_sample();
        } else if (strcmp(line, "measure\n") == 0) {
            measure();
        } else if (strcmp(line, "rest\n") == 0) {
            pause_all();
            tell_sample();
        } else if (sscanf(line, "prove %ld", &count) == 1) {
            prove(count);
        } else {
            fail("not a command", NULL);
        }
    }
    change(OVER);
    pthread_join(meddler, NULL);
    for (i = 0; i < threads * client_count; i++) {
        pthread_join(ids[i], NULL);
    }
    for (i = 0; i < client_count; i++) {
        dcs_client_free(clients[i]);
    }
    after = atomic_load(&live);
    free(ids);
    tell_all(before, after);
    return 0;
}
