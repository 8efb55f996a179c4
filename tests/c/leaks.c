/*
 * Makes calls of every kind, failing ones included, and counts what they leave behind: heap, descriptors, threads.
 * tests/integration/leaks.rs runs it.
 *
 *     leaks CALLS CA CERTIFICATE KEY OTHER_KEY ENCRYPTED_KEY PASSWORD OTHER_CA SILENT_URL URL...
 *
 * Counts twice, after a tenth of the calls and after all of them, each time without any client. Prints the counts, and
 * exits with 1 if they differ. The server of SILENT_URL never responds.
 */

#define _GNU_SOURCE
#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <dcs.h>

#include "../../benches/heap.h"

/* How much the heap may grow, as in benches/memory.py: entries in tables of the allocator and the resolver. One byte a call
 * is more over a hundred thousand calls. */
enum { SLACK = 64 * 1024, MAX_URLS = 32, THREADS = 4, CALLS_PER_THREAD = 4, WATCHDOG_SECONDS = 120 };

enum { CA = 2, CERTIFICATE, KEY, OTHER_KEY, ENCRYPTED_KEY, PASSWORD, OTHER_CA, SILENT, URLS };

static char **arguments;
static int url_count;
static dcs_client *clients[MAX_URLS];
static atomic_long calls, succeeded, failed;

static void fail(const char *what, dcs_error *error) {
    fprintf(stderr, "%s: %s\n", what, error != NULL ? dcs_error_message(error) : "no error");
    exit(1);
}

static dcs_config *new_config(const char *url, const char *ca, const char *certificate, const char *key) {
    dcs_config *config = dcs_config_new();
    if (dcs_config_set_url(config, url) != DCS_OK || dcs_config_set_ca_bundle_file(config, ca) != DCS_OK ||
        dcs_config_set_certificate_file(config, certificate) != DCS_OK ||
        dcs_config_set_private_key_file(config, key) != DCS_OK || dcs_config_set_timeout_ms(config, WATCHDOG_SECONDS * 1000) != DCS_OK) {
        fail("no configuration", NULL);
    }
    return config;
}

static dcs_config *good_config(const char *url) {
    return new_config(url, arguments[CA], arguments[CERTIFICATE], arguments[KEY]);
}

/* Calls the functions that read an error. */
static void read_error(const dcs_error *error) {
    if (dcs_error_code(error) == DCS_OK || strlen(dcs_error_message(error)) < 10 || dcs_error_hint(error) == NULL ||
        dcs_error_code(error) == DCS_ERR_INTERNAL) {
        fail("an empty error", NULL);
    }
    (void)dcs_error_check(error);
    (void)dcs_error_http_status(error);
    (void)dcs_error_retry_after_ms(error);
}

static void call(const dcs_client *client) {
    dcs_status_response *response = NULL;
    dcs_error *error = NULL;
    if (dcs_status(client, &response, &error) == DCS_OK) {
        size_t i;
        for (i = 0; i < dcs_status_response_outage_count(response); i++) {
            (void)dcs_status_response_outage_message(response, i);
        }
        atomic_fetch_add(&succeeded, 1);
    } else {
        read_error(error);
        atomic_fetch_add(&failed, 1);
    }
    dcs_status_response_free(response);
    dcs_error_free(error);
    atomic_fetch_add(&calls, 1);
}

static void make_clients(void) {
    int i;
    for (i = 0; i < url_count; i++) {
        dcs_error *error = NULL;
        dcs_config *config = good_config(arguments[URLS + i]);
        if (dcs_client_new(config, &clients[i], &error) != DCS_OK) {
            fail("no client", error);
        }
        dcs_config_free(config);
    }
}

static void free_clients(void) {
    int i;
    for (i = 0; i < url_count; i++) {
        dcs_client_free(clients[i]);
    }
}

static void *call_often(void *client) {
    int i;
    for (i = 0; i < CALLS_PER_THREAD; i++) {
        call(client);
    }
    return NULL;
}

static void call_from_threads(void) {
    pthread_t threads[THREADS];
    int i;
    for (i = 0; i < THREADS; i++) {
        if (pthread_create(&threads[i], NULL, call_often, clients[i % url_count]) != 0) {
            fail("no thread", NULL);
        }
    }
    for (i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
}

/* Fails to make a client, and frees the configuration. */
static void no_client(dcs_config *config, dcs_code code) {
    dcs_client *client = NULL;
    dcs_error *error = NULL;
    if (dcs_client_new(config, &client, &error) != code) {
        fail("another error than expected", error);
    }
    read_error(error);
    dcs_error_free(error);
    dcs_client_new(config, &client, NULL);
    dcs_config_free(config);
}

static void failing_clients(void) {
    const char *url = arguments[URLS];
    char **files = arguments;
    dcs_config *config = good_config(url);
    dcs_error *error = NULL;

    no_client(new_config(url, "/does/not/exist", files[CERTIFICATE], files[KEY]), DCS_ERR_FILE);
    no_client(new_config(url, files[KEY], files[CERTIFICATE], files[KEY]), DCS_ERR_CA_BUNDLE);
    no_client(new_config(url, files[CA], files[KEY], files[KEY]), DCS_ERR_CERTIFICATE);
    no_client(new_config(url, files[CA], files[CERTIFICATE], files[CERTIFICATE]), DCS_ERR_PRIVATE_KEY);
    no_client(new_config(url, files[CA], files[CERTIFICATE], files[OTHER_KEY]), DCS_ERR_KEY_MISMATCH);
    no_client(new_config(url, files[CA], files[CERTIFICATE], files[ENCRYPTED_KEY]), DCS_ERR_PASSWORD);

    if (dcs_config_set_option(config, "url", "http://localhost/", &error) == DCS_OK) {
        fail("a URL without TLS", NULL);
    }
    read_error(error);
    dcs_error_free(error);
    no_client(config, DCS_ERR_INVALID_ARGUMENT);

    config = good_config(url);
    dcs_config_set_private_key(config, (const uint8_t *)"x", 1);
    no_client(config, DCS_ERR_PRIVATE_KEY);
    no_client(dcs_config_new(), DCS_ERR_CA_BUNDLE);
}

/* Makes a client for one call, and frees the configuration. */
static void call_once(dcs_config *config) {
    dcs_client *client = NULL;
    dcs_error *error = NULL;
    if (dcs_client_new(config, &client, &error) != DCS_OK) {
        fail("no client", error);
    }
    dcs_config_free(config);
    call(client);
    dcs_client_free(client);
}

static void short_lived_clients(void) {
    const char *url = arguments[URLS];
    dcs_config *config = good_config(arguments[SILENT]);

    dcs_config_set_connect_timeout_ms(config, 20);
    call_once(config);
    call_once(good_config(url));
    call_once(new_config(url, arguments[OTHER_CA], arguments[CERTIFICATE], arguments[KEY]));
    config = good_config(url);
    dcs_config_set_proxy(config, "http://user:password@127.0.0.1:1");
    call_once(config);
    config = dcs_config_new();
    dcs_config_set_url(config, url);
    dcs_config_set_ca_bundle_file(config, arguments[CA]);
    call_once(config);
    call_once(good_config("https://dcs.invalid/"));
    call_once(good_config("https://127.0.0.1:1/"));
}

/* Reloads files, interrupts and cancels calls, and shares responses. */
static void long_lived_clients(void) {
    dcs_config *config = good_config(arguments[URLS]);
    dcs_cancellation *cancellation = dcs_cancellation_new();
    dcs_status_response *response = NULL;
    dcs_client *client = NULL;
    dcs_error *error = NULL;
    int i;

    dcs_config_set_status_max_age_ms(config, 60000);
    dcs_config_set_reload_interval_ms(config, 1);
    dcs_config_set_honour_retry_after(config, 1);
    if (dcs_client_new(config, &client, &error) != DCS_OK || dcs_client_reload(client, &error) != DCS_OK) {
        fail("no reload", error);
    }
    dcs_config_free(config);
    for (i = 0; i < 3; i++) {
        call(client);
    }
    dcs_client_interrupt(client);
    dcs_cancellation_cancel(cancellation);
    dcs_client_free(client);

    config = good_config(arguments[SILENT]);
    if (dcs_client_new(config, &client, &error) != DCS_OK) {
        fail("no client", error);
    }
    dcs_config_free(config);
    if (dcs_status_until(client, cancellation, &response, &error) != DCS_ERR_INTERRUPTED) {
        fail("a call that was not cancelled", error);
    }
    dcs_error_free(error);
    dcs_cancellation_free(cancellation);
    dcs_client_free(client);
}

static void diagnose(dcs_config *config) {
    dcs_report *report = NULL, *redacted = NULL;
    dcs_error *error = NULL;
    if (dcs_diagnose(config, &report, &error) != DCS_OK || dcs_report_redacted(report, &redacted, &error) != DCS_OK) {
        fail("no report", error);
    }
    if (dcs_report_text(report) == NULL || dcs_report_json(report) == NULL || dcs_report_html(redacted) == NULL) {
        fail("an empty report", NULL);
    }
    dcs_report_free(report);
    dcs_report_free(redacted);
    dcs_config_free(config);
}

static void export_key(const char *path, const char *password, dcs_code code) {
    dcs_buffer *der = NULL;
    dcs_error *error = NULL;
    if (dcs_private_key_file_to_pkcs8_der(path, password, &der, &error) != code) {
        fail("another error than expected", error);
    }
    dcs_buffer_free(der);
    dcs_error_free(error);
}

static void key_exports(void) {
    export_key(arguments[KEY], NULL, DCS_OK);
    export_key(arguments[ENCRYPTED_KEY], arguments[PASSWORD], DCS_OK);
    export_key(arguments[ENCRYPTED_KEY], "wrong", DCS_ERR_PASSWORD);
    export_key(arguments[CERTIFICATE], NULL, DCS_ERR_PRIVATE_KEY);
    export_key("/does/not/exist", NULL, DCS_ERR_FILE);
}

static void ignore(void *user_data, int32_t level, const char *target, const char *text) {
    (void)user_data, (void)level, (void)target, (void)text;
}

static void drain(void) {
    dcs_log_record *record;
    while (dcs_log_next(&record) == DCS_OK && record != NULL) {
        dcs_log_record_free(record);
    }
}

/* Fills the ring of log records, so that it has its full size from then on. */
static void flood_the_log(void) {
    int i;
    dcs_log_set_level(DCS_LOG_TRACE);
    for (i = 0; i < 1100; i++) {
        dcs_client *client = NULL;
        dcs_config *config = dcs_config_new();
        dcs_client_new(config, &client, NULL);
        dcs_config_free(config);
    }
    drain();
    dcs_log_set_level(DCS_LOG_OFF);
}

/* Makes calls of all kinds in turn until there were this many. */
static void call_until(long count) {
    long round;
    make_clients();
    for (round = 0; atomic_load(&calls) < count; round++) {
        int i;
        for (i = 0; i < url_count; i++) {
            call(clients[i]);
        }
        dcs_log_set_level(round % 4 == 0 ? DCS_LOG_TRACE : DCS_LOG_OFF);
        dcs_log_set_callback(round % 8 == 0 ? ignore : NULL, NULL);
        if (round % 2 == 0) {
            call_from_threads();
        }
        if (round % 10 == 0) {
            failing_clients();
            key_exports();
            short_lived_clients();
            long_lived_clients();
            drain();
        }
        if (round % 40 == 0) {
            diagnose(good_config(arguments[URLS]));
            diagnose(new_config(arguments[URLS], arguments[OTHER_CA], "/does/not/exist", arguments[KEY]));
            diagnose(good_config("https://127.0.0.1:1/"));
            free_clients();
            make_clients();
        }
    }
    dcs_log_set_level(DCS_LOG_OFF);
    dcs_log_set_callback(NULL, NULL);
    drain();
    free_clients();
}

struct held {
    long heap, blocks, descriptors, threads;
};

static long entries(const char *path) {
    long count = 0;
    DIR *folder = opendir(path);
    struct dirent *entry;
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        count += entry->d_name[0] != '.';
    }
    closedir(folder);
    return count;
}

/* Counts what the process holds. Waits for the threads of DNS lookups whose calls have ended: they end when the resolver
 * answers. */
static struct held held(long threads) {
    struct held held;
    time_t deadline = time(NULL) + WATCHDOG_SECONDS;
    do {
        held.threads = entries("/proc/self/task");
    } while (threads > 0 && held.threads > threads && time(NULL) < deadline);
    held.descriptors = entries("/proc/self/fd");
    held.heap = atomic_load(&live);
    held.blocks = atomic_load(&blocks);
    return held;
}

int main(int argc, char **argv) {
    struct held before, after;
    long count = argc > URLS ? atol(argv[1]) : 0;
    long single;

    arguments = argv;
    url_count = argc - URLS;
    if (count < 10 || url_count > MAX_URLS) {
        fprintf(stderr, "usage: see leaks.c\n");
        return 1;
    }
    single = entries("/proc/self/task");
    flood_the_log();
    call_until(count / 10);
    before = held(single);
    call_until(count);
    after = held(single);

    printf("calls=%ld succeeded=%ld failed=%ld\n", atomic_load(&calls), atomic_load(&succeeded), atomic_load(&failed));
    printf("heap=%ld..%ld blocks=%ld..%ld descriptors=%ld..%ld threads=%ld..%ld\n", before.heap, after.heap, before.blocks,
           after.blocks, before.descriptors, after.descriptors, before.threads, after.threads);
    if (atomic_load(&succeeded) == 0 || atomic_load(&failed) == 0) {
        fprintf(stderr, "calls must succeed and fail\n");
        return 1;
    }
    if (after.heap - before.heap > SLACK || after.descriptors != before.descriptors || after.threads != single) {
        fprintf(stderr, "a leak\n");
        return 1;
    }
    return 0;
}
