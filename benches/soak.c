/*
 * Makes calls from many threads over a few clients, while it reloads the files and interrupts calls, and counts the
 * outcomes. benches/soak.py compiles and controls it, and injects faults into the server meanwhile.
 *
 *     soak THREADS TIMEOUT_MS RELOAD_MS INTERRUPT_MS CA CERTIFICATE KEY URL...
 *
 * THREADS threads share one client for each URL. Every RELOAD_MS the next client is reloaded, every INTERRUPT_MS the next
 * one is interrupted. Standard input has one command a line, and each is answered by one line of JSON:
 *
 *     sample      prints the number of calls, and the heap, descriptors and threads at this moment
 *     measure     prints the same after all calls have ended and a reload has closed each client's connections
 *     pause       stops the calls, and keeps the idle connections open
 *     verify N    makes N calls on each thread, which are counted separately, and no more after them
 *     end         frees the clients and prints all outcomes
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
#include "heap.h"
#include "resident.h"

#define CLIENTS 8
/* All codes are below this. The last two numbers stand for outcomes that break the header's promises. */
#define CODES 1000
#define WRONG_ANSWER 998
#define WRONG_ERROR 999

static const char ANSWER[] = "{\"available\":true,\"scheduledOutages\":[]}";

/* The outcomes of calls, by code. Static, so that only the library uses the heap. */
struct outcomes {
    atomic_long count[CODES];
    atomic_llong longest_us[CODES];
    /* The same without the time in which the thread was runnable but had no processor. */
    atomic_llong longest_own_us[CODES];
    char example[CODES][240];
};

static struct outcomes calls[CLIENTS], verified[CLIENTS], reloads;
static dcs_client *clients[CLIENTS];
static int client_count, threads, reload_ms, interrupt_ms;
static atomic_long calls_made, interruptions, reused[CLIENTS];

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static enum { CALLING, PAUSED, VERIFYING, STOPPED } state;
static atomic_int leave_loop, own_descriptors;
static int waiting, done;
static long calls_to_verify;

static long long now_us(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (long long)time.tv_sec * 1000000 + time.tv_nsec / 1000;
}

static void sleep_ms(long ms) {
    struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&time, NULL);
}

static void raise_to(atomic_llong *highest, long long value) {
    long long before = atomic_load(highest);
    while (value > before && !atomic_compare_exchange_weak(highest, &before, value)) {
    }
}

/* Returns how long this thread has waited for a processor so far; 0 if the kernel does not count that. */
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

static void record(struct outcomes *outcomes, int code, long long us, long long own_us, const char *example) {
    if (atomic_fetch_add(&outcomes->count[code], 1) == 0 && example != NULL) {
        strncpy(outcomes->example[code], example, sizeof outcomes->example[code] - 1);
    }
    raise_to(&outcomes->longest_us[code], us);
    raise_to(&outcomes->longest_own_us[code], own_us);
}

/* Returns the code to count: the call's own, unless the error breaks the header's promises. */
static int check(dcs_code code, const dcs_error *error) {
    int is_right = code == DCS_OK ? error == NULL
                                  : error != NULL && dcs_error_code(error) == code && code > 0 && code < WRONG_ANSWER &&
                                        dcs_error_message(error)[0] != '\0' && dcs_error_hint(error)[0] != '\0';
    return is_right ? code : WRONG_ERROR;
}

static int call(int client, struct outcomes *outcomes) {
    dcs_status_response *status = NULL;
    dcs_error *error = NULL;
    long long waited = waited_us(), start = now_us();
    dcs_code got = dcs_status(clients[client], &status, &error);
    long long us = now_us() - start;
    int code = check(got, error);

    if ((got == DCS_OK) != (status != NULL) ||
        (got == DCS_OK && (dcs_status_response_available(status) != 1 ||
                           strcmp(dcs_status_response_json(status), ANSWER) != 0))) {
        code = WRONG_ANSWER;
    }
    record(outcomes, code, us, us - (waited_us() - waited), error != NULL ? dcs_error_message(error) : NULL);
    if (status != NULL && outcomes == &calls[client]) {
        atomic_fetch_add(&reused[client], dcs_status_response_connection_reused(status));
    }
    dcs_status_response_free(status);
    dcs_error_free(error);
    return code;
}

static int reload(int client) {
    dcs_error *error = NULL;
    long long waited = waited_us(), start = now_us();
    dcs_code got = dcs_client_reload(clients[client], &error);
    int code = check(got, error);
    long long us = now_us() - start;
    record(&reloads, code, us, us - (waited_us() - waited), error != NULL ? dcs_error_message(error) : NULL);
    dcs_error_free(error);
    return code;
}

/* Waits while the state is PAUSED. Returns whether the thread's loop continues. */
static int wait_while_paused(void) {
    int is_calling;
    pthread_mutex_lock(&lock);
    waiting++;
    pthread_cond_broadcast(&changed);
    while (state == PAUSED) {
        pthread_cond_wait(&changed, &lock);
    }
    is_calling = state == CALLING;
    if (is_calling) {
        waiting--;
    }
    pthread_mutex_unlock(&lock);
    return is_calling;
}

static void *work(void *argument) {
    int client = *(const int *)argument;
    long i;
    do {
        while (!atomic_load(&leave_loop)) {
            if (call(client, &calls[client]) == DCS_ERR_CONNECT) {
                /* Otherwise the pauses in which nothing listens would use up most of the calls. */
                sleep_ms(5);
            }
            atomic_fetch_add(&calls_made, 1);
        }
    } while (wait_while_paused());
    for (i = 0; i < calls_to_verify; i++) {
        call(client, &verified[client]);
    }
    pthread_mutex_lock(&lock);
    done++;
    pthread_cond_broadcast(&changed);
    while (state != STOPPED) {
        pthread_cond_wait(&changed, &lock);
    }
    pthread_mutex_unlock(&lock);
    return NULL;
}

/* Reloads and interrupts the clients in turn. */
static void *disturb(void *unused) {
    long long reload_at = now_us(), interrupt_at = reload_at;
    int reloaded = 0, interrupted = 0;
    (void)unused;
    do {
        while (!atomic_load(&leave_loop)) {
            sleep_ms(reload_ms < interrupt_ms ? reload_ms : interrupt_ms);
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
    } while (wait_while_paused());
    return NULL;
}

static void set_state(int to) {
    pthread_mutex_lock(&lock);
    state = to;
    atomic_store(&leave_loop, to != CALLING);
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static int thread_count(void) { return threads * client_count + 2; }

static int count_entries(const char *path) {
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

static void print_sample(void) {
    /* Reads the heap first, because the other figures use some. This program's own descriptors do not count. */
    long heap = atomic_load(&live), held = atomic_load(&blocks);
    printf("{\"calls\": %ld, \"heap\": %ld, \"blocks\": %ld, \"resident\": %ld, \"descriptors\": %d, "
           "\"threads\": %d}\n",
           atomic_load(&calls_made), heap, held, resident(),
           count_entries("/proc/self/fd") - 1 - own_descriptors, count_entries("/proc/self/task"));
    fflush(stdout);
}

/* Waits until no call, reload or interruption is in flight. */
static void pause_all(void) {
    set_state(PAUSED);
    pthread_mutex_lock(&lock);
    while (waiting < thread_count() - 1) {
        pthread_cond_wait(&changed, &lock);
    }
    pthread_mutex_unlock(&lock);
}

/* Prints a sample with no call in flight and no connection open. */
static void measure(void) {
    int i, attempts = 0;
    pause_all();
    for (i = 0; i < client_count; i++) {
        if (reload(i) != DCS_OK) {
            fail("the files cannot be reloaded", NULL);
        }
    }
    /* The thread of a lookup may still be ending. */
    while (count_entries("/proc/self/task") != thread_count() && attempts++ < 500) {
        sleep_ms(10);
    }
    print_sample();
    set_state(CALLING);
}

static void verify(long count) {
    pause_all();
    calls_to_verify = count;
    set_state(VERIFYING);
    pthread_mutex_lock(&lock);
    while (done < threads * client_count) {
        pthread_cond_wait(&changed, &lock);
    }
    pthread_mutex_unlock(&lock);
    print_sample();
}

static void print_outcomes(const struct outcomes *outcomes) {
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

static void print_all(long before, long after) {
    int i;
    printf("{\"interruptions\": %ld, \"heap_before_clients\": %ld, \"heap_after_clients\": %ld, \"reloads\": ",
           atomic_load(&interruptions), before, after);
    print_outcomes(&reloads);
    printf(", \"calls\": [");
    for (i = 0; i < client_count; i++) {
        printf(i > 0 ? ", " : "");
        print_outcomes(&calls[i]);
    }
    printf("], \"reused\": [");
    for (i = 0; i < client_count; i++) {
        printf(i > 0 ? ", %ld" : "%ld", atomic_load(&reused[i]));
    }
    printf("], \"verified\": [");
    for (i = 0; i < client_count; i++) {
        printf(i > 0 ? ", " : "");
        print_outcomes(&verified[i]);
    }
    printf("]}\n");
    fflush(stdout);
}

int main(int argc, char **argv) {
    static int numbers[CLIENTS];
    pthread_t *ids, disturber;
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
    if (pthread_create(&disturber, NULL, disturb, NULL) != 0) {
        fail("no thread", NULL);
    }
    while (fgets(line, sizeof line, stdin) != NULL && strcmp(line, "end\n") != 0) {
        if (strcmp(line, "sample\n") == 0) {
            print_sample();
        } else if (strcmp(line, "measure\n") == 0) {
            measure();
        } else if (strcmp(line, "pause\n") == 0) {
            pause_all();
            print_sample();
        } else if (sscanf(line, "verify %ld", &count) == 1) {
            verify(count);
        } else {
            fail("not a command", NULL);
        }
    }
    set_state(STOPPED);
    pthread_join(disturber, NULL);
    for (i = 0; i < threads * client_count; i++) {
        pthread_join(ids[i], NULL);
    }
    for (i = 0; i < client_count; i++) {
        dcs_client_free(clients[i]);
    }
    after = atomic_load(&live);
    free(ids);
    print_all(before, after);
    return 0;
}
