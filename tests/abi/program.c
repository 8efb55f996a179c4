/*
 * A program that was written for version 0.1 and is compiled with the header of then. It is not to be changed: what it
 * does must go on working.
 *
 *     program URL CA_BUNDLE CERTIFICATE KEY     uses each part of the library; exits with 0 where all is well
 *     program                                   takes the settings from the environment and prints what is said of them
 */

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "dcs-0.1.h"

static int failures = 0;

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            failures++;                                                                            \
        }                                                                                          \
    } while (0)

static int records = 0;

static void count(void *user_data, int32_t level, const char *target, const char *text) {
    (void)level;
    CHECK(target != NULL && strlen(text) > 0);
    ++*(int *)user_data;
}

static dcs_config *configured(char **arguments) {
    dcs_config *config = dcs_config_new();
    CHECK(dcs_config_set_url(config, arguments[1]) == DCS_OK);
    CHECK(dcs_config_set_ca_bundle_file(config, arguments[2]) == DCS_OK);
    CHECK(dcs_config_set_certificate_file(config, arguments[3]) == DCS_OK);
    CHECK(dcs_config_set_private_key_file(config, arguments[4]) == DCS_OK);
    CHECK(dcs_config_set_connect_timeout_ms(config, 10000) == DCS_OK);
    CHECK(dcs_config_set_timeout_ms(config, 30000) == DCS_OK);
    CHECK(dcs_config_set_reload_interval_ms(config, 0) == DCS_OK);
    CHECK(dcs_config_set_honour_retry_after(config, 0) == DCS_OK);
    CHECK(dcs_config_set_status_max_age_ms(config, 0) == DCS_OK);
    CHECK(dcs_config_set_option(config, "timeout_ms", "20000", NULL) == DCS_OK);
    return config;
}

static void ask(const dcs_config *config) {
    dcs_client *client = NULL;
    dcs_status_response *status = NULL;
    dcs_cancellation *cancellation = dcs_cancellation_new();
    dcs_error *error = NULL;

    CHECK(dcs_client_new(config, &client, &error) == DCS_OK);
    CHECK(dcs_client_certificate_not_after_unix_ms(client) > 0);
    CHECK(dcs_status(client, &status, &error) == DCS_OK);
    CHECK(error == NULL);
    CHECK(dcs_status_response_available(status) == 1);
    CHECK(dcs_status_response_message(status) == NULL);
    CHECK(strstr(dcs_status_response_json(status), "\"available\"") != NULL);
    CHECK(dcs_status_response_rate_limit(status) == -1);
    CHECK(dcs_status_response_total_us(status) > 0);
    CHECK(strcmp(dcs_status_response_tls_version(status), "TLSv1.2") == 0);
    dcs_status_response_free(status);

    CHECK(dcs_client_reload(client, &error) == DCS_OK);
    CHECK(dcs_cancellation_cancel(cancellation) == DCS_OK);
    CHECK(dcs_status_until(client, cancellation, &status, &error) == DCS_ERR_INTERRUPTED);
    CHECK(status == NULL);
    CHECK(dcs_error_code(error) == DCS_ERR_INTERRUPTED);
    CHECK(strlen(dcs_error_message(error)) > 0 && strlen(dcs_error_hint(error)) > 0);
    CHECK(dcs_error_http_status(error) == 0 && dcs_error_tls_alert(error) == -1);
    CHECK(dcs_error_retry_after_ms(error) == -1);
    dcs_error_free(error);
    dcs_cancellation_free(cancellation);
    dcs_client_free(client);
}

static void diagnose(const dcs_config *config) {
    dcs_report *report = NULL;
    size_t i;

    CHECK(dcs_diagnose(config, &report, NULL) == DCS_OK);
    CHECK(dcs_report_ok(report) == 1);
    CHECK(strstr(dcs_report_json(report), "\"schema\":1") != NULL ||
          strstr(dcs_report_json(report), "\"schema\": 1") != NULL);
    CHECK(dcs_report_finding_count(report) > 20);
    for (i = 0; i < dcs_report_finding_count(report); i++) {
        CHECK(strncmp(dcs_report_finding_check(report, i), "DCS_CHECK_", 10) == 0);
        CHECK(dcs_report_finding_outcome(report, i) != NULL);
        CHECK(dcs_report_finding_severity(report, i) != NULL);
    }
    CHECK(dcs_report_step_count(report) >= 4);
    CHECK(strcmp(dcs_report_step_name(report, 0), "dns") == 0);
    CHECK(dcs_report_step_us(report, 0) >= -1);
    dcs_report_free(report);
}

static void convert(const char *key) {
    dcs_buffer *der = NULL;

    CHECK(dcs_private_key_file_to_pkcs8_der(key, NULL, &der, NULL) == DCS_OK);
    CHECK(dcs_buffer_len(der) > 0 && dcs_buffer_data(der)[0] == 0x30);
    dcs_buffer_free(der);
}

int main(int argc, char **argv) {
    dcs_config *config;
    dcs_error *error = NULL;
    dcs_log_record *record = NULL;

    if (argc == 1) {
        config = dcs_config_new();
        if (dcs_config_load_env(config, &error) != DCS_OK) {
            puts(dcs_error_message(error));
        }
        dcs_error_free(error);
        dcs_config_free(config);
        return 0;
    }
    CHECK(dcs_abi_version() == 1);
    CHECK(strcmp(dcs_code_name(DCS_ERR_RATE_LIMITED), "DCS_ERR_RATE_LIMITED") == 0);
    CHECK(dcs_code_hint(DCS_ERR_UNAVAILABLE) != NULL);
    CHECK(dcs_log_set_level(DCS_LOG_INFO) == DCS_OK);
    config = configured(argv);
    ask(config);
    CHECK(dcs_log_next(&record) == DCS_OK && record != NULL);
    CHECK(dcs_log_record_level(record) <= DCS_LOG_INFO);
    CHECK(dcs_log_record_time_unix_ms(record) > 0);
    dcs_log_record_free(record);
    dcs_log_set_callback(count, &records);
    diagnose(config);
    CHECK(records > 0);
    dcs_log_set_callback(NULL, NULL);
    convert(argv[4]);
    dcs_config_free(config);
    return failures != 0;
}
