/*
 * Makes status calls and tells about them; tests/c_abi.rs reads what it prints.
 *
 *     calls URL CA_BUNDLE CERTIFICATE PRIVATE_KEY [THREADS [CALLS]]
 *     calls URL CA_BUNDLE CERTIFICATE PRIVATE_KEY diagnose
 *
 * "-" leaves a file out. With "diagnose", tells what a diagnosis finds, read by four threads at once. With THREADS, that many threads make CALLS calls in all over one client, and each
 * answer is compared with the documented one.
 */

#define _POSIX_C_SOURCE 200809L

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dcs.h>

static const char ANSWER[] = "{\"available\":true,\"scheduledOutages\":[]}";

struct job {
    const dcs_client *client;
    long calls;
    long right;
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
        puts("an index that is too large gave something");
    }
    print_text("json", dcs_status_response_json(status));
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
        puts("the times do not add up");
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
            strcmp(dcs_status_response_json(status), ANSWER) == 0) {
            job->right++;
        } else {
            fprintf(stderr, "%s\n", error != NULL ? dcs_error_message(error) : "a wrong answer");
        }
        dcs_status_response_free(status);
        dcs_error_free(error);
    }
    return NULL;
}

static int race(const dcs_client *client, int threads, long calls) {
    pthread_t *ids = calloc((size_t)threads, sizeof *ids);
    struct job *jobs = calloc((size_t)threads, sizeof *jobs);
    long right = 0;
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
        right += jobs[i].right;
    }
    printf("right=%ld\n", right);
    free(ids);
    free(jobs);
    return 0;
}

/* What one thread reads of a report; the documents are made when the first of them asks. */
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
            puts("the threads read different texts");
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
        if (dcs_report_step_us(report, i) < 0 || dcs_report_step_us(report, i) > 60000000) {
            puts("a step took no time that it can have taken");
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

static dcs_code set_file(dcs_config *config, const char *path,
                         dcs_code (*setter)(dcs_config *, const char *)) {
    return strcmp(path, "-") == 0 ? DCS_OK : setter(config, path);
}

int main(int argc, char **argv) {
    dcs_config *config = dcs_config_new();
    dcs_client *client = NULL;
    dcs_error *error = NULL;
    int result;

    /* Under valgrind and the sanitizers everything takes its time. */
    if (argc < 5 || dcs_config_set_option(config, "url", argv[1], &error) != DCS_OK ||
        dcs_config_set_connect_timeout_ms(config, 60000) != DCS_OK ||
        dcs_config_set_timeout_ms(config, 60000) != DCS_OK ||
        set_file(config, argv[2], dcs_config_set_ca_bundle_file) != DCS_OK ||
        set_file(config, argv[3], dcs_config_set_certificate_file) != DCS_OK ||
        set_file(config, argv[4], dcs_config_set_private_key_file) != DCS_OK) {
        dcs_config_free(config);
        return error != NULL ? print_error(error) : 2;
    }
    if (argc > 5 && strcmp(argv[5], "diagnose") == 0) {
        result = diagnose(config);
        dcs_config_free(config);
        return result;
    }
    if (dcs_client_new(config, &client, &error) != DCS_OK) {
        dcs_config_free(config);
        return print_error(error);
    }
    dcs_config_free(config);

    if (argc > 5) {
        result = race(client, atoi(argv[5]), argc > 6 ? atol(argv[6]) : 1000);
    } else {
        dcs_status_response *status = NULL;
        result = dcs_status(client, &status, &error) == DCS_OK ? print_status(status)
                                                                : print_error(error);
    }
    dcs_client_free(client);
    return result;
}
