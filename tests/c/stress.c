/*
 * Uses everything at once: calls, reloads, interrupts, forks, and a log callback that calls the library.
 * tests/integration/c_abi.rs runs it.
 *
 *     stress URL CA_BUNDLE CERTIFICATE PRIVATE_KEY SECONDS
 *
 * Prints "ok" and how often each thing was done, if every call ended as it may and no process hung.
 */

#define _GNU_SOURCE

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <dcs.h>

enum { WATCHDOG_SECONDS = 300, TIMEOUT_MS = 60000 };

static char **arguments;
/* The second one shares its statuses between threads, and checks its files all the time. */
static dcs_client *clients[2];
static time_t end;

enum { CALLS, INTERRUPTED, RELOADS, CALLBACKS, FORKS, DIAGNOSES, CLIENTS, RECORDS, COUNTERS };
static const char *const names[] = {"calls", "interrupted", "reloads", "callbacks",
                                    "forks", "diagnoses", "clients", "records"};
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long counts[COUNTERS];

static void count(int counter) {
    pthread_mutex_lock(&lock);
    counts[counter]++;
    pthread_mutex_unlock(&lock);
}

static int is_over(void) {
    return time(NULL) >= end;
}

static void rest(long milliseconds) {
    struct timespec time = {0, milliseconds * 1000000L};
    nanosleep(&time, NULL);
}

static void require(int is_right, const char *what, const dcs_error *error) {
    if (!is_right) {
        fprintf(stderr, "%s: %s %s\n", what, dcs_code_name(dcs_error_code(error)), dcs_error_message(error));
        _exit(1);
    }
}

static void call(dcs_client *client, dcs_cancellation *cancellation) {
    dcs_status_response *status = NULL;
    dcs_error *error = NULL;
    dcs_code code = cancellation == NULL ? dcs_status(client, &status, &error)
                                         : dcs_status_until(client, cancellation, &status, &error);

    require(code == DCS_OK || code == DCS_ERR_INTERRUPTED, "call", error);
    count(code == DCS_OK ? CALLS : INTERRUPTED);
    dcs_status_response_free(status);
    dcs_error_free(error);
}

static void reload(dcs_client *client) {
    dcs_error *error = NULL;

    require(dcs_client_reload(client, &error) == DCS_OK, "reload", error);
    count(RELOADS);
}

static dcs_config *configure(void) {
    dcs_config *config = dcs_config_new();

    dcs_config_set_url(config, arguments[1]);
    dcs_config_set_ca_bundle_file(config, arguments[2]);
    dcs_config_set_certificate_file(config, arguments[3]);
    dcs_config_set_private_key_file(config, arguments[4]);
    dcs_config_set_timeout_ms(config, TIMEOUT_MS);
    dcs_config_set_connect_timeout_ms(config, TIMEOUT_MS);
    return config;
}

static dcs_client *create(const dcs_config *config) {
    dcs_client *client = NULL;
    dcs_error *error = NULL;

    require(dcs_client_new(config, &client, &error) == DCS_OK, "client", error);
    return client;
}

/* What it calls makes no records, so it is not called again in this thread. */
static void log_callback(void *user_data, int32_t level, const char *target, const char *text) {
    static __thread unsigned records;

    (void)user_data, (void)level;
    require(strlen(target) > 0 && strlen(text) > 0, "record", NULL);
    switch (records++ % 64) {
    case 0:
        call(clients[0], NULL);
        break;
    case 16:
        call(clients[1], NULL);
        break;
    case 32:
        reload(clients[0]);
        break;
    case 48:
        reload(clients[1]);
        break;
    default:
        return;
    }
    count(CALLBACKS);
}

static void *keep_calling(void *client) {
    do {
        call(client, NULL);
    } while (!is_over());
    return NULL;
}

static void *keep_cancelling(void *client) {
    do {
        dcs_cancellation *cancellation = dcs_cancellation_new();
        call(client, cancellation);
        dcs_cancellation_cancel(cancellation);
        call(client, cancellation);
        dcs_cancellation_free(cancellation);
    } while (!is_over());
    return NULL;
}

static void *keep_reloading(void *client) {
    do {
        reload(client);
        rest(5);
    } while (!is_over());
    return NULL;
}

static void *keep_interrupting(void *client) {
    do {
        dcs_client_interrupt(client);
        rest(200);
    } while (!is_over());
    return NULL;
}

static void *keep_creating(void *unused) {
    dcs_config *config = configure();

    (void)unused;
    do {
        dcs_client *client = create(config);
        call(client, NULL);
        dcs_client_free(client);
        count(CLIENTS);
    } while (!is_over());
    dcs_config_free(config);
    return NULL;
}

static void *keep_diagnosing(void *unused) {
    dcs_config *config = configure();

    (void)unused;
    do {
        dcs_report *report = NULL;
        dcs_error *error = NULL;
        require(dcs_diagnose(config, &report, &error) == DCS_OK, "diagnosis", error);
        dcs_report_free(report);
        count(DIAGNOSES);
    } while (!is_over());
    dcs_config_free(config);
    return NULL;
}

/* Takes the callback away and back, and reads the records that were made meanwhile. */
static void *keep_reading_records(void *unused) {
    (void)unused;
    do {
        dcs_log_record *record = NULL;

        dcs_log_set_callback(NULL, NULL);
        dcs_log_set_level(DCS_LOG_TRACE);
        call(clients[0], NULL);
        while (dcs_log_next(&record) == DCS_OK && record != NULL) {
            require(dcs_log_record_text(record) != NULL, "record", NULL);
            dcs_log_record_free(record);
            count(RECORDS);
        }
        dcs_log_set_level(DCS_LOG_DEBUG);
        dcs_log_set_callback(log_callback, NULL);
        rest(5);
    } while (!is_over());
    return NULL;
}

static void *keep_forking(void *unused) {
    /* In such a child ThreadSanitizer supports no new threads, and the AddressSanitizer of older compilers no allocation. */
    int may_free = getenv("ASAN_OPTIONS") == NULL;
    int may_call = may_free && getenv("TSAN_OPTIONS") == NULL;

    (void)unused;
    do {
        int status = 0;
        pid_t pid = fork();

        if (pid == 0) {
            alarm(WATCHDOG_SECONDS);
            /* Another thread may have held this program's own lock. */
            pthread_mutex_init(&lock, NULL);
            if (may_call) {
                call(clients[0], NULL);
                call(clients[1], NULL);
            }
            if (may_free) {
                dcs_client_free(clients[0]);
                dcs_client_free(clients[1]);
            }
            _exit(0);
        }
        if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0) {
            fprintf(stderr, "a child ended with %x\n", (unsigned)status);
            _exit(1);
        }
        count(FORKS);
        rest(5);
    } while (!is_over());
    return NULL;
}

int main(int argument_count, char **all) {
    void *(*const bodies[])(void *) = {
        keep_calling,      keep_calling,      keep_calling,  keep_calling,    keep_cancelling,
        keep_cancelling,   keep_reloading,    keep_reloading, keep_interrupting, keep_interrupting,
        keep_creating,     keep_diagnosing,   keep_forking,  keep_reading_records,
    };
    enum { THREADS = sizeof bodies / sizeof *bodies };
    pthread_t threads[THREADS];
    dcs_config *config;
    int seconds, i;

    if (argument_count != 6) {
        return 64;
    }
    arguments = all;
    seconds = atoi(all[5]);
    alarm((unsigned)(seconds + WATCHDOG_SECONDS));
    end = time(NULL) + seconds;

    config = configure();
    clients[0] = create(config);
    dcs_config_set_reload_interval_ms(config, 1);
    dcs_config_set_status_max_age_ms(config, 1);
    clients[1] = create(config);
    dcs_config_free(config);
    dcs_log_set_level(DCS_LOG_DEBUG);
    dcs_log_set_callback(log_callback, NULL);

    for (i = 0; i < THREADS; i++) {
        if (pthread_create(&threads[i], NULL, bodies[i], clients[i % 2]) != 0) {
            return 65;
        }
    }
    for (i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    dcs_log_set_callback(NULL, NULL);
    dcs_client_free(clients[0]);
    dcs_client_free(clients[1]);
    fputs("ok", stdout);
    for (i = 0; i < COUNTERS; i++) {
        printf(" %s=%ld", names[i], counts[i]);
    }
    puts("");
    return 0;
}
