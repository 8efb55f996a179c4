/*
 * Makes status calls and prints what they return, for tests/integration/c_abi.rs.
 *
 *     calls URL CA_BUNDLE CERTIFICATE PRIVATE_KEY [THREADS [CALLS]]
 *     calls URL CA_BUNDLE CERTIFICATE PRIVATE_KEY diagnose
 *     calls URL CA_BUNDLE CERTIFICATE PRIVATE_KEY stall
 *
 * "-" omits a file. With THREADS, that many threads make CALLS calls in all with one client, and compare each response
 * with the documented one. "diagnose" prints the report of a diagnosis, read by four threads at once. "stall" calls a
 * server in this process that never responds, instead of URL, and ends the calls in every way.
 */

#define _POSIX_C_SOURCE 200809L

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dcs.h>

#include "system.h"

/* Far above what 16 handshakes at once take under memcheck on a busy machine. */
enum { PATIENCE_MS = 600000 };

static const char RESPONSE[] = "{\"available\":true,\"scheduledOutages\":[]}";

struct job {
    const dcs_client *client;
    long calls;
    long correct;
};

static void print_text(const char *name, const char *text) {
    printf("%s=%s\n", name, text != NULL ? text : "NULL");
}

static int print_error(dcs_error *error) {
    print_text("code", dcs_code_name(dcs_error_code(error)));
    print_text("message", dcs_error_message(error));
    print_text("hint", dcs_error_hint(error));
    print_text("check", dcs_error_check(error));
    printf("http_status=%" PRId32 "\n", dcs_error_http_status(error));
    printf("tls_alert=%" PRId32 "\n", dcs_error_tls_alert(error));
    printf("retryable=%" PRId32 "\n", dcs_error_retryable(error));
    printf("retry_after_ms=%" PRId64 "\n", dcs_error_retry_after_ms(error));
    printf("rate_limit=%" PRId64 "\n", dcs_error_rate_limit(error));
    printf("rate_limit_remaining=%" PRId64 "\n", dcs_error_rate_limit_remaining(error));
    printf("rate_limit_reset_ms=%" PRId64 "\n", dcs_error_rate_limit_reset_ms(error));
    printf("quota_limit=%" PRId64 "\n", dcs_error_quota_limit(error));
    printf("quota_remaining=%" PRId64 "\n", dcs_error_quota_remaining(error));
    dcs_error_free(error);
    return 1;
}

static int print_status(dcs_status_response *status) {
    size_t i;

    print_text("code", dcs_code_name(DCS_OK));
    printf("available=%" PRId32 "\n", dcs_status_response_available(status));
    print_text("message", dcs_status_response_message(status));
    for (i = 0; i < dcs_status_response_outage_count(status); i++) {
        print_text("outage_start", dcs_status_response_outage_start(status, i));
        print_text("outage_end", dcs_status_response_outage_end(status, i));
        print_text("outage_message", dcs_status_response_outage_message(status, i));
        printf("outage_start_unix_ms=%" PRId64 "\n",
               dcs_status_response_outage_start_unix_ms(status, i));
        printf("outage_end_unix_ms=%" PRId64 "\n",
               dcs_status_response_outage_end_unix_ms(status, i));
    }
    if (dcs_status_response_outage_start(status, i) != NULL ||
        dcs_status_response_outage_end_unix_ms(status, i) != INT64_MIN) {
        puts("an index out of range is not absent");
    }
    print_text("json", dcs_status_response_json(status));
    printf("age_ms=%" PRId64 "\n", dcs_status_response_age_ms(status));
    printf("rate_limit=%" PRId64 "\n", dcs_status_response_rate_limit(status));
    printf("rate_limit_remaining=%" PRId64 "\n", dcs_status_response_rate_limit_remaining(status));
    printf("rate_limit_reset_ms=%" PRId64 "\n", dcs_status_response_rate_limit_reset_ms(status));
    printf("quota_limit=%" PRId64 "\n", dcs_status_response_quota_limit(status));
    printf("quota_remaining=%" PRId64 "\n", dcs_status_response_quota_remaining(status));
    print_text("tls_version", dcs_status_response_tls_version(status));
    print_text("tls_cipher", dcs_status_response_tls_cipher(status));
    printf("reused=%" PRId32 "\n", dcs_status_response_connection_reused(status));
    printf("resumed=%" PRId32 "\n", dcs_status_response_tls_session_resumed(status));
    if (dcs_status_response_tls_us(status) <= 0 ||
        dcs_status_response_first_byte_us(status) < dcs_status_response_tls_us(status) ||
        dcs_status_response_total_us(status) < dcs_status_response_first_byte_us(status)) {
        puts("the durations are inconsistent");
    }
    dcs_status_response_free(status);
    return 0;
}

static void *run(void *argument) {
    struct job *job = argument;
    long i;

    for (i = 0; i < job->calls; i++) {
        dcs_status_response *status = NULL;
        dcs_error *error = NULL;
        if (dcs_status(job->client, &status, &error) == DCS_OK && error == NULL &&
            dcs_status_response_available(status) == 1 &&
            strcmp(dcs_status_response_json(status), RESPONSE) == 0) {
            job->correct++;
        } else {
            fprintf(stderr, "%s\n", error != NULL ? dcs_error_message(error) : "a wrong response");
        }
        dcs_status_response_free(status);
        dcs_error_free(error);
    }
    return NULL;
}

static int race(const dcs_client *client, int threads, long calls) {
    pthread_t *ids = calloc((size_t)threads, sizeof *ids);
    struct job *jobs = calloc((size_t)threads, sizeof *jobs);
    long correct = 0;
    int i;

    if (ids == NULL || jobs == NULL) {
        return 1;
    }
    for (i = 0; i < threads; i++) {
        jobs[i].client = client;
        jobs[i].calls = calls / threads;
        if (pthread_create(&ids[i], NULL, run, &jobs[i]) != 0) {
            return 1;
        }
    }
    for (i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
        correct += jobs[i].correct;
    }
    printf("correct=%ld\n", correct);
    free(ids);
    free(jobs);
    return 0;
}

/* What one thread reads of a report, which renders a document on its first use. */
struct reading {
    const dcs_report *report;
    const char *text;
    const char *json;
    const char *html;
};

static void *read_report(void *argument) {
    struct reading *reading = argument;

    reading->text = dcs_report_text(reading->report);
    reading->json = dcs_report_json(reading->report);
    reading->html = dcs_report_html(reading->report);
    return NULL;
}

static int print_report(const dcs_report *report) {
    pthread_t ids[4];
    struct reading readings[4];
    size_t i;

    for (i = 0; i < 4; i++) {
        readings[i].report = report;
        if (pthread_create(&ids[i], NULL, read_report, &readings[i]) != 0) {
            return 2;
        }
    }
    for (i = 0; i < 4; i++) {
        pthread_join(ids[i], NULL);
    }
    for (i = 0; i < 4; i++) {
        if (readings[i].text == NULL || readings[i].text != readings[0].text ||
            readings[i].json != readings[0].json || readings[i].html != readings[0].html) {
            puts("the threads read different documents");
        }
    }
    printf("ok=%" PRId32 "\n", dcs_report_ok(report));
    for (i = 0; i < dcs_report_finding_count(report); i++) {
        printf("finding=%s %s %s\n", dcs_report_finding_outcome(report, i),
               dcs_report_finding_check(report, i), dcs_report_finding_subject(report, i));
        if (strcmp(dcs_report_finding_outcome(report, i), "failed") == 0) {
            print_text("message", dcs_report_finding_message(report, i));
            print_text("advice", dcs_report_finding_advice(report, i));
        }
    }
    for (i = 0; i < dcs_report_step_count(report); i++) {
        printf("step=%s %s\n", dcs_report_step_outcome(report, i), dcs_report_step_name(report, i));
        if (dcs_report_step_us(report, i) < 0 || dcs_report_step_us(report, i) / 1000 > PATIENCE_MS) {
            puts("the duration of a step is impossible");
        }
    }
    return dcs_report_ok(report) == 1 ? 0 : 1;
}

static int diagnose(const dcs_config *config) {
    dcs_report *report = NULL;
    dcs_report *redacted = NULL;
    dcs_error *error = NULL;
    int result = 2;

    if (dcs_diagnose(config, &report, &error) == DCS_OK &&
        dcs_report_redacted(report, &redacted, &error) == DCS_OK) {
        result = print_report(report);
        print_text("json", dcs_report_json(report));
        print_text("redacted", dcs_report_json(redacted));
    } else {
        print_error(error);
    }
    dcs_report_free(report);
    dcs_report_free(redacted);
    return result;
}

/* A call in a thread of its own, to a server that never responds. */
struct stalled {
    const dcs_client *client;
    const dcs_cancellation *cancellation;
    dcs_code code;
    dcs_code code_of_error;
};

static void *stall(void *argument) {
    struct stalled *call = argument;
    dcs_status_response *response = NULL;
    dcs_error *error = NULL;

    call->code = call->cancellation != NULL
                     ? dcs_status_until(call->client, call->cancellation, &response, &error)
                     : dcs_status(call->client, &response, &error);
    call->code_of_error = dcs_error_code(error);
    dcs_error_free(error);
    return NULL;
}

/* Starts a call and waits until it has sent a byte. */
static int begin(struct stalled *call, pthread_t *thread, int listening) {
    char byte;
    int connection;

    if (pthread_create(thread, NULL, stall, call) != 0) {
        return -1;
    }
    connection = accept(listening, NULL, NULL);
    if (connection < 0 || read(connection, &byte, 1) != 1) {
        return -1;
    }
    return connection;
}

static void end(const char *name, const struct stalled *call, pthread_t thread, int connection) {
    pthread_join(thread, NULL);
    close(connection);
    print_text(name, call->code == call->code_of_error ? dcs_code_name(call->code) : "two codes");
}

/* Lets the call wait three times. */
static int32_t count_down(void *user_data) {
    int *left = user_data;

    return --*left > 0 ? 1 : 0;
}

static int end_calls(const dcs_client *client, int listening) {
    dcs_cancellation *cancellation = dcs_cancellation_new();
    struct stalled call = {client, NULL, DCS_OK, DCS_OK};
    pthread_t thread;
    int connection;
    int left = 3;
#ifndef _WIN32
    int ends[2];

    if (pipe(ends) != 0) {
        return 2;
    }
#endif
    if (cancellation == NULL) {
        return 2;
    }
    connection = begin(&call, &thread, listening);
    dcs_client_interrupt(client);
    end("interrupt", &call, thread, connection);

    call.cancellation = cancellation;
#ifndef _WIN32
    /* As a signal handler would. */
    dcs_cancellation_set_descriptor(cancellation, ends[0]);
    connection = begin(&call, &thread, listening);
    if (write(ends[1], "x", 1) != 1) {
        return 2;
    }
    end("descriptor", &call, thread, connection);
    dcs_cancellation_set_descriptor(cancellation, -1);
#else
    /* Windows has no descriptors, so this is an error. */
    print_text("descriptor", dcs_code_name(dcs_cancellation_set_descriptor(cancellation, 0)));
#endif

    dcs_cancellation_set_callback(cancellation, count_down, &left);
    connection = begin(&call, &thread, listening);
    end("callback", &call, thread, connection);
    printf("callback_left=%d\n", left);
    dcs_cancellation_free(cancellation);
    cancellation = dcs_cancellation_new();
    call.cancellation = cancellation;

    connection = begin(&call, &thread, listening);
    dcs_cancellation_cancel(cancellation);
    end("cancel", &call, thread, connection);
    stall(&call);
    print_text("cancelled_before", dcs_code_name(call.code));
    dcs_cancellation_free(cancellation);

    /* Freed while the call is in flight: only the server can still end the call. */
    cancellation = dcs_cancellation_new();
    call.cancellation = cancellation;
    connection = begin(&call, &thread, listening);
    dcs_cancellation_free(cancellation);
    shutdown(connection, SHUT_RDWR);
    end("freed_in_flight", &call, thread, connection);
#ifndef _WIN32
    close(ends[0]);
    close(ends[1]);
#endif
    return 0;
}

/* Starts a server in this process that accepts connections and never responds, and sets its URL. */
static int listen_for(dcs_config *config) {
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    char url[64];
    int listening = socket(AF_INET, SOCK_STREAM, 0);

    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (listening < 0 || bind(listening, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(listening, 8) != 0 ||
        getsockname(listening, (struct sockaddr *)&address, &length) != 0) {
        return -1;
    }
    snprintf(url, sizeof url, "https://127.0.0.1:%d/", ntohs(address.sin_port));
    return dcs_config_set_url(config, url) == DCS_OK ? listening : -1;
}

static dcs_code set_file(dcs_config *config, const char *path,
                         dcs_code (*setter)(dcs_config *, const char *)) {
    return strcmp(path, "-") == 0 ? DCS_OK : setter(config, path);
}

int main(int argc, char **argv) {
    dcs_config *config = dcs_config_new();
    dcs_client *client = NULL;
    dcs_error *error = NULL;
    int listening = -1;
    int result;

    begin_program(&argc, &argv);
    if (argc < 5 || dcs_config_set_option(config, "url", argv[1], &error) != DCS_OK ||
        set_file(config, argv[2], dcs_config_set_ca_bundle_file) != DCS_OK ||
        set_file(config, argv[3], dcs_config_set_certificate_file) != DCS_OK ||
        set_file(config, argv[4], dcs_config_set_private_key_file) != DCS_OK ||
        dcs_config_set_connect_timeout_ms(config, PATIENCE_MS) != DCS_OK ||
        dcs_config_set_timeout_ms(config, PATIENCE_MS) != DCS_OK) {
        dcs_config_free(config);
        return error != NULL ? print_error(error) : 2;
    }
    if (argc > 5 && strcmp(argv[5], "diagnose") == 0) {
        result = diagnose(config);
        dcs_config_free(config);
        return result;
    }
    if (argc > 5 && strcmp(argv[5], "stall") == 0 && (listening = listen_for(config)) < 0) {
        dcs_config_free(config);
        return 2;
    }
    if (dcs_client_new(config, &client, &error) != DCS_OK) {
        dcs_config_free(config);
        return print_error(error);
    }
    dcs_config_free(config);

    if (listening >= 0) {
        result = end_calls(client, listening);
        close(listening);
    } else if (argc > 5) {
        result = race(client, atoi(argv[5]), argc > 6 ? atol(argv[6]) : 1000);
    } else {
        dcs_status_response *status = NULL;
        result = dcs_status(client, &status, &error) == DCS_OK ? print_status(status)
                                                                : print_error(error);
    }
    dcs_client_free(client);
    return result;
}
