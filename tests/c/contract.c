/*
 * Tests the rules of dcs.h for every function: NULL, text that is not UTF-8, out-parameters, frees. Needs no server.
 * Prints each failed check and exits with 1.
 */

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <dcs.h>

static int failures = 0;

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                        \
            failures++;                                                                            \
        }                                                                                          \
    } while (0)

#define INVALID DCS_ERR_INVALID_ARGUMENT

/* Returns a value for an out-parameter that the call must overwrite. */
static void *garbage(void) {
    static int nothing;
    return &nothing;
}

static void versions_and_codes(void) {
    CHECK(strcmp(dcs_version(), "0.1.0") == 0);
    CHECK(dcs_abi_version() == 1);
    CHECK(strcmp(dcs_code_name(DCS_OK), "DCS_OK") == 0);
    CHECK(strcmp(dcs_code_name(DCS_ERR_KEY_MISMATCH), "DCS_ERR_KEY_MISMATCH") == 0);
    CHECK(dcs_code_name(-1) == NULL);
    CHECK(dcs_code_name(206) == NULL);
    CHECK(dcs_code_name(INT32_MAX) == NULL);
    CHECK(strlen(dcs_code_hint(DCS_ERR_CLIENT_CERT_REQUIRED)) > 20);
    CHECK(dcs_code_hint(INT32_MIN) == NULL);
    CHECK(DCS_ERR_INTERRUPTED == 205);
}

static void no_finding(const dcs_report *report, size_t index) {
    CHECK(dcs_report_finding_check(report, index) == NULL);
    CHECK(dcs_report_finding_outcome(report, index) == NULL);
    CHECK(dcs_report_finding_severity(report, index) == NULL);
    CHECK(dcs_report_finding_subject(report, index) == NULL);
    CHECK(dcs_report_finding_title(report, index) == NULL);
    CHECK(dcs_report_finding_message(report, index) == NULL);
    CHECK(dcs_report_finding_advice(report, index) == NULL);
}

static void no_step(const dcs_report *report, size_t index) {
    CHECK(dcs_report_step_name(report, index) == NULL);
    CHECK(dcs_report_step_outcome(report, index) == NULL);
    CHECK(dcs_report_step_message(report, index) == NULL);
    CHECK(dcs_report_step_us(report, index) == -1);
}

static void no_limits(const dcs_error *error) {
    CHECK(dcs_error_rate_limit(error) == -1);
    CHECK(dcs_error_rate_limit_remaining(error) == -1);
    CHECK(dcs_error_rate_limit_reset_ms(error) == -1);
    CHECK(dcs_error_quota_limit(error) == -1);
    CHECK(dcs_error_quota_remaining(error) == -1);
}

static void null_handles(void) {
    dcs_config_free(NULL);
    dcs_client_free(NULL);
    dcs_cancellation_free(NULL);
    dcs_status_response_free(NULL);
    dcs_report_free(NULL);
    dcs_buffer_free(NULL);
    dcs_error_free(NULL);
    dcs_log_record_free(NULL);

    CHECK(dcs_error_code(NULL) == DCS_OK);
    CHECK(dcs_error_message(NULL) == NULL);
    CHECK(dcs_error_hint(NULL) == NULL);
    CHECK(dcs_error_check(NULL) == NULL);
    CHECK(dcs_error_http_status(NULL) == 0);
    CHECK(dcs_error_tls_alert(NULL) == -1);
    CHECK(dcs_error_os_code(NULL) == 0);
    CHECK(dcs_error_retryable(NULL) == 0);
    CHECK(dcs_error_retry_after_ms(NULL) == -1);
    no_limits(NULL);

    CHECK(dcs_client_interrupt(NULL) == INVALID);
    CHECK(dcs_client_certificate_not_after_unix_ms(NULL) == INT64_MIN);
    CHECK(dcs_cancellation_cancel(NULL) == INVALID);
    CHECK(dcs_cancellation_set_descriptor(NULL, 0) == INVALID);
    CHECK(dcs_cancellation_set_descriptor(NULL, -1) == INVALID);
    CHECK(dcs_cancellation_set_callback(NULL, NULL, NULL) == INVALID);

    CHECK(dcs_status_response_available(NULL) == -1);
    CHECK(dcs_status_response_message(NULL) == NULL);
    CHECK(dcs_status_response_outage_count(NULL) == 0);
    CHECK(dcs_status_response_outage_start(NULL, 0) == NULL);
    CHECK(dcs_status_response_outage_end(NULL, 0) == NULL);
    CHECK(dcs_status_response_outage_message(NULL, 0) == NULL);
    CHECK(dcs_status_response_outage_start_unix_ms(NULL, 0) == INT64_MIN);
    CHECK(dcs_status_response_outage_end_unix_ms(NULL, 0) == INT64_MIN);
    CHECK(dcs_status_response_json(NULL) == NULL);
    CHECK(dcs_status_response_age_ms(NULL) == -1);
    CHECK(dcs_status_response_rate_limit(NULL) == -1);
    CHECK(dcs_status_response_rate_limit_remaining(NULL) == -1);
    CHECK(dcs_status_response_rate_limit_reset_ms(NULL) == -1);
    CHECK(dcs_status_response_quota_limit(NULL) == -1);
    CHECK(dcs_status_response_quota_remaining(NULL) == -1);
    CHECK(dcs_status_response_dns_us(NULL) == -1);
    CHECK(dcs_status_response_tcp_us(NULL) == -1);
    CHECK(dcs_status_response_tls_us(NULL) == -1);
    CHECK(dcs_status_response_first_byte_us(NULL) == -1);
    CHECK(dcs_status_response_total_us(NULL) == -1);
    CHECK(dcs_status_response_connection_reused(NULL) == -1);
    CHECK(dcs_status_response_tls_session_resumed(NULL) == -1);
    CHECK(dcs_status_response_tls_version(NULL) == NULL);
    CHECK(dcs_status_response_tls_cipher(NULL) == NULL);

    CHECK(dcs_log_record_level(NULL) == DCS_LOG_OFF);
    CHECK(dcs_log_record_target(NULL) == NULL);
    CHECK(dcs_log_record_text(NULL) == NULL);
    CHECK(dcs_log_record_time_unix_ms(NULL) == -1);
    CHECK(dcs_report_ok(NULL) == -1);
    CHECK(dcs_report_cause(NULL) == -1);
    CHECK(dcs_report_text(NULL) == NULL);
    CHECK(dcs_report_json(NULL) == NULL);
    CHECK(dcs_report_html(NULL) == NULL);
    CHECK(dcs_report_finding_count(NULL) == 0);
    no_finding(NULL, 0);
    CHECK(dcs_report_step_count(NULL) == 0);
    no_step(NULL, 0);
    CHECK(dcs_buffer_data(NULL) == NULL);
    CHECK(dcs_buffer_len(NULL) == 0);
}

static void setters(void) {
    static const char not_utf8[] = "https://\xff\xfe/";
    const uint8_t byte = 'x';
    dcs_config *config = dcs_config_new();

    CHECK(config != NULL);
    CHECK(dcs_config_set_url(config, "https://localhost:1/x") == DCS_OK);
    CHECK(dcs_config_set_url(config, "http://localhost/") == INVALID);
    CHECK(dcs_config_set_url(config, NULL) == INVALID);
    CHECK(dcs_config_set_url(config, not_utf8) == INVALID);
    CHECK(dcs_config_set_url(NULL, "https://localhost/") == INVALID);
    CHECK(dcs_config_set_ca_bundle_file(config, "x") == DCS_OK);
    CHECK(dcs_config_set_ca_bundle_file(config, NULL) == INVALID);
    CHECK(dcs_config_set_ca_bundle_file(NULL, "x") == INVALID);
    CHECK(dcs_config_set_ca_bundle(config, &byte, 1) == DCS_OK);
    CHECK(dcs_config_set_ca_bundle(config, NULL, 0) == DCS_OK);
    CHECK(dcs_config_set_ca_bundle(config, NULL, 1) == INVALID);
    CHECK(dcs_config_set_ca_bundle(config, &byte, SIZE_MAX) == INVALID);
    CHECK(dcs_config_set_ca_bundle(NULL, &byte, 1) == INVALID);
    CHECK(dcs_config_set_certificate_file(config, not_utf8) == INVALID);
    CHECK(dcs_config_set_certificate_file(NULL, "x") == INVALID);
    CHECK(dcs_config_set_certificate(config, NULL, 1) == INVALID);
    CHECK(dcs_config_set_certificate(NULL, &byte, 1) == INVALID);
    CHECK(dcs_config_set_private_key_file(config, NULL) == INVALID);
    CHECK(dcs_config_set_private_key_file(NULL, "x") == INVALID);
    CHECK(dcs_config_set_private_key(config, NULL, 1) == INVALID);
    CHECK(dcs_config_set_private_key(NULL, &byte, 1) == INVALID);
    CHECK(dcs_config_set_private_key_password(config, "secret") == DCS_OK);
    CHECK(dcs_config_set_private_key_password(config, NULL) == DCS_OK);
    CHECK(dcs_config_set_private_key_password(config, not_utf8) == INVALID);
    CHECK(dcs_config_set_private_key_password(NULL, "secret") == INVALID);
    CHECK(dcs_config_set_connect_timeout_ms(config, 1) == DCS_OK);
    CHECK(dcs_config_set_connect_timeout_ms(config, 0) == INVALID);
    CHECK(dcs_config_set_connect_timeout_ms(NULL, 1) == INVALID);
    CHECK(dcs_config_set_timeout_ms(config, UINT32_MAX) == DCS_OK);
    CHECK(dcs_config_set_timeout_ms(config, 0) == INVALID);
    CHECK(dcs_config_set_timeout_ms(NULL, 1) == INVALID);
    CHECK(dcs_config_set_reload_interval_ms(config, 0) == DCS_OK);
    CHECK(dcs_config_set_reload_interval_ms(config, UINT32_MAX) == DCS_OK);
    CHECK(dcs_config_set_reload_interval_ms(NULL, 1) == INVALID);
    CHECK(dcs_config_set_honour_retry_after(config, 1) == DCS_OK);
    CHECK(dcs_config_set_honour_retry_after(config, 0) == DCS_OK);
    CHECK(dcs_config_set_honour_retry_after(config, 2) == INVALID);
    CHECK(dcs_config_set_honour_retry_after(config, -1) == INVALID);
    CHECK(dcs_config_set_honour_retry_after(NULL, 1) == INVALID);
    CHECK(dcs_config_set_status_max_age_ms(config, 0) == DCS_OK);
    CHECK(dcs_config_set_status_max_age_ms(config, UINT32_MAX) == DCS_OK);
    CHECK(dcs_config_set_status_max_age_ms(NULL, 1) == INVALID);
    CHECK(dcs_config_set_proxy(config, "http://user:p%40ss@proxy:3128") == DCS_OK);
    CHECK(dcs_config_set_proxy(config, NULL) == DCS_OK);
    CHECK(dcs_config_set_proxy(config, "proxy") == INVALID);
    CHECK(dcs_config_set_proxy(NULL, NULL) == INVALID);
    dcs_config_free(config);
}

static void errors(void) {
    dcs_config *config = dcs_config_new();
    dcs_client *client = garbage();
    dcs_report *report = garbage();
    dcs_status_response *response = garbage();
    dcs_error *error = garbage();

    /* Options as text. A success clears the error. */
    CHECK(dcs_config_set_option(config, "url", "http://localhost/", &error) == INVALID);
    CHECK(dcs_error_code(error) == INVALID);
    CHECK(strstr(dcs_error_message(error), "http://localhost/") != NULL);
    CHECK(strlen(dcs_error_hint(error)) > 10);
    dcs_error_free(error);
    error = garbage();
    CHECK(dcs_config_set_option(config, "timeout_ms", "100", &error) == DCS_OK);
    CHECK(error == NULL);
    CHECK(dcs_config_set_option(config, "reload_interval_ms", "0", NULL) == DCS_OK);
    CHECK(dcs_config_set_option(config, "honour_retry_after", "1", NULL) == DCS_OK);
    CHECK(dcs_config_set_option(config, "honour_retry_after", "2", NULL) == INVALID);
    CHECK(dcs_config_set_option(config, "status_max_age_ms", "0", NULL) == DCS_OK);
    CHECK(dcs_config_set_option(config, "status_max_age_ms", "-1", NULL) == INVALID);
    CHECK(dcs_config_set_option(config, NULL, "x", NULL) == INVALID);
    CHECK(dcs_config_set_option(config, "url", NULL, NULL) == INVALID);
    CHECK(dcs_config_set_option(NULL, "url", "x", NULL) == INVALID);
    CHECK(dcs_config_set_option(config, "nonsense", "x", NULL) == INVALID);
    CHECK(dcs_config_load_env(NULL, NULL) == INVALID);

    /* A rejected value is reported again until the option is set. */
    CHECK(dcs_config_set_honour_retry_after(config, 0) == DCS_OK);
    CHECK(dcs_config_set_status_max_age_ms(config, 0) == DCS_OK);
    CHECK(dcs_config_set_url(config, "http://localhost/x") == INVALID);
    CHECK(dcs_config_set_proxy(config, "proxy") == INVALID);
    error = garbage();
    CHECK(dcs_client_new(config, &client, &error) == INVALID);
    CHECK(client == NULL);
    CHECK(strstr(dcs_error_message(error), "'url'") != NULL);
    CHECK(strstr(dcs_error_message(error), "http://localhost/x") != NULL);
    dcs_error_free(error);
    CHECK(dcs_config_set_proxy(config, NULL) == DCS_OK);
    CHECK(dcs_config_set_option(config, "url", "http://localhost/y", &error) == INVALID);
    dcs_error_free(error);
    CHECK(dcs_diagnose(config, &report, &error) == INVALID);
    CHECK(report == NULL);
    CHECK(strstr(dcs_error_message(error), "http://localhost/y") != NULL);
    dcs_error_free(error);
    CHECK(dcs_config_set_option(config, "url", "https://localhost/x", NULL) == DCS_OK);

    /* A failure clears the result, and the error may be NULL. */
    client = garbage();
    CHECK(dcs_client_new(config, &client, NULL) == DCS_ERR_CA_BUNDLE);
    CHECK(client == NULL);
    error = garbage();
    CHECK(dcs_client_new(NULL, &client, &error) == INVALID);
    CHECK(strstr(dcs_error_message(error), "'config'") != NULL);
    dcs_error_free(error);
    CHECK(dcs_client_new(config, NULL, NULL) == INVALID);
    CHECK(dcs_status(NULL, &response, NULL) == INVALID);
    CHECK(response == NULL);
    error = garbage();
    CHECK(dcs_client_reload(NULL, &error) == INVALID);
    CHECK(strstr(dcs_error_message(error), "'client'") != NULL);
    dcs_error_free(error);
    CHECK(dcs_client_reload(NULL, NULL) == INVALID);

    /* The client only borrows the configuration, which stays usable after a failure. */
    error = garbage();
    CHECK(dcs_config_set_ca_bundle_file(config, "/does/not/exist.pem") == DCS_OK);
    CHECK(dcs_client_new(config, &client, &error) == DCS_ERR_FILE);
    CHECK(strstr(dcs_error_message(error), "/does/not/exist.pem") != NULL);
    CHECK(dcs_error_os_code(error) != 0);
    CHECK(strcmp(dcs_error_check(error), "DCS_CHECK_FILE_READABLE") == 0);
    CHECK(dcs_error_http_status(error) == 0);
    CHECK(dcs_error_tls_alert(error) == -1);
    CHECK(dcs_error_retryable(error) == 0);
    CHECK(dcs_error_retry_after_ms(error) == -1);
    no_limits(error);
    dcs_error_free(error);
    dcs_config_free(config);
}

static void cancellations(void) {
    dcs_cancellation *cancellation = dcs_cancellation_new();
    dcs_status_response *response = garbage();
    dcs_error *error = garbage();

    CHECK(cancellation != NULL);
    CHECK(dcs_status_until(NULL, cancellation, &response, &error) == INVALID);
    CHECK(response == NULL);
    CHECK(strstr(dcs_error_message(error), "'client'") != NULL);
    dcs_error_free(error);
    CHECK(dcs_cancellation_set_descriptor(cancellation, -1) == DCS_OK);
    CHECK(dcs_cancellation_set_descriptor(cancellation, INT32_MIN) == DCS_OK);
    CHECK(dcs_cancellation_set_callback(cancellation, NULL, garbage()) == DCS_OK);
    CHECK(dcs_cancellation_cancel(cancellation) == DCS_OK);
    CHECK(dcs_cancellation_cancel(cancellation) == DCS_OK);
    dcs_cancellation_free(cancellation);
}

/* Logs exactly one record, of level DCS_LOG_ERROR. */
static void log_one_record(void) {
    dcs_config *config = dcs_config_new();
    dcs_client *client = garbage();

    CHECK(dcs_client_new(config, &client, NULL) == DCS_ERR_CA_BUNDLE);
    dcs_config_free(config);
}

struct seen {
    int count;
    int32_t level;
    char target[32];
    char text[128];
};

static void note(void *user_data, int32_t level, const char *target, const char *text) {
    struct seen *seen = user_data;

    seen->count++;
    seen->level = level;
    strncpy(seen->target, target, sizeof seen->target - 1);
    strncpy(seen->text, text, sizeof seen->text - 1);
    /* A callback may call the library, which logs nothing meanwhile. */
    log_one_record();
}

static int is_empty(void) {
    dcs_log_record *record = garbage();

    CHECK(dcs_log_next(&record) == DCS_OK);
    if (record == NULL) {
        return 1;
    }
    dcs_log_record_free(record);
    return 0;
}

static void log_levels_and_draining(void) {
    dcs_log_record *record = NULL;

    CHECK(dcs_log_next(NULL) == INVALID);
    CHECK(dcs_log_set_level(-1) == INVALID);
    CHECK(dcs_log_set_level(DCS_LOG_TRACE + 1) == INVALID);
    CHECK(dcs_log_set_level(INT32_MIN) == INVALID);

    /* Off by default, also after a level was rejected. */
    log_one_record();
    CHECK(is_empty());

    CHECK(dcs_log_set_level(DCS_LOG_ERROR) == DCS_OK);
    CHECK(dcs_log_set_level(99) == INVALID);
    log_one_record();
    CHECK(dcs_log_set_level(DCS_LOG_OFF) == DCS_OK);
    log_one_record();
    CHECK(dcs_log_next(&record) == DCS_OK);
    CHECK(record != NULL);
    CHECK(dcs_log_record_level(record) == DCS_LOG_ERROR);
    CHECK(strcmp(dcs_log_record_target(record), "dcs.client") == 0);
    CHECK(strstr(dcs_log_record_text(record), "DCS_ERR_CA_BUNDLE") != NULL);
    CHECK(dcs_log_record_time_unix_ms(record) > 1600000000000);
    dcs_log_record_free(record);
    CHECK(is_empty());
}

static void log_callback(void) {
    struct seen seen;

    memset(&seen, 0, sizeof seen);
    CHECK(dcs_log_set_level(DCS_LOG_TRACE) == DCS_OK);
    dcs_log_set_callback(note, &seen);
    log_one_record();
    CHECK(seen.count == 1);
    CHECK(seen.level == DCS_LOG_ERROR);
    CHECK(strcmp(seen.target, "dcs.client") == 0);
    CHECK(strstr(seen.text, "DCS_ERR_CA_BUNDLE") != NULL);
    /* The callback replaces the ring. */
    CHECK(is_empty());

    dcs_log_set_callback(NULL, NULL);
    log_one_record();
    CHECK(seen.count == 1);
    CHECK(!is_empty());
    CHECK(is_empty());
    CHECK(dcs_log_set_level(DCS_LOG_OFF) == DCS_OK);
}

/* Diagnoses a configuration without files, for a port on which nothing listens. */
static void reports(void) {
    dcs_config *config = dcs_config_new();
    dcs_report *report = garbage();
    dcs_report *redacted = garbage();
    dcs_error *error = garbage();
    const char *text;
    size_t count;
    size_t i;

    CHECK(dcs_diagnose(NULL, &report, &error) == INVALID);
    CHECK(report == NULL);
    CHECK(strstr(dcs_error_message(error), "'config'") != NULL);
    dcs_error_free(error);
    CHECK(dcs_diagnose(config, NULL, NULL) == INVALID);
    CHECK(dcs_report_redacted(NULL, &redacted, NULL) == INVALID);
    CHECK(redacted == NULL);

    CHECK(dcs_config_set_url(config, "https://127.0.0.1:1/x") == DCS_OK);
    error = garbage();
    CHECK(dcs_diagnose(config, &report, &error) == DCS_OK);
    CHECK(error == NULL);
    dcs_config_free(config);
    CHECK(dcs_report_redacted(report, NULL, NULL) == INVALID);
    error = garbage();
    CHECK(dcs_report_redacted(report, &redacted, &error) == DCS_OK);
    CHECK(error == NULL);
    CHECK(redacted != report);

    CHECK(dcs_report_ok(report) == 0);
    text = dcs_report_text(report);
    CHECK(strlen(text) > 40);
    CHECK(dcs_report_text(report) == text);
    CHECK(strstr(dcs_report_json(report), "DCS_CHECK_FILE_CONFIGURED") != NULL);
    CHECK(strstr(dcs_report_html(report), "<html") != NULL);

    count = dcs_report_finding_count(report);
    CHECK(count > 0);
    for (i = 0; i < count; i++) {
        CHECK(strncmp(dcs_report_finding_check(report, i), "DCS_CHECK_", 10) == 0);
        CHECK(strlen(dcs_report_finding_outcome(report, i)) == 6 ||
              strcmp(dcs_report_finding_outcome(report, i), "skipped") == 0);
        CHECK(strlen(dcs_report_finding_severity(report, i)) >= 4);
        CHECK(strlen(dcs_report_finding_subject(report, i)) > 0);
        CHECK(strlen(dcs_report_finding_title(report, i)) > 10);
        CHECK(dcs_report_finding_message(report, i) != NULL);
        CHECK(dcs_report_finding_advice(report, i) != NULL);
    }
    CHECK(count > 0 && strcmp(dcs_report_finding_outcome(report, 0), "failed") == 0);
    CHECK(count > 0 && strcmp(dcs_report_finding_severity(report, 0), "error") == 0);
    no_finding(report, count);
    no_finding(report, SIZE_MAX);

    count = dcs_report_step_count(report);
    CHECK(count > 0);
    for (i = 0; i < count; i++) {
        CHECK(strlen(dcs_report_step_name(report, i)) >= 3);
        CHECK(strlen(dcs_report_step_outcome(report, i)) >= 6);
        CHECK(dcs_report_step_message(report, i) != NULL);
        CHECK(dcs_report_step_us(report, i) >= 0);
    }
    no_step(report, count);
    no_step(report, SIZE_MAX);

    /* The redacted report outlives the original. */
    dcs_report_free(report);
    CHECK(dcs_report_ok(redacted) == 0);
    CHECK(strstr(dcs_report_json(redacted), "DCS_CHECK_FILE_CONFIGURED") != NULL);
    dcs_report_free(redacted);
}

/* The example of RFC 8410, section 10.3. */
static const char KEY[] = "-----BEGIN PRIVATE KEY-----\n"
                          "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n"
                          "-----END PRIVATE KEY-----\n";
static const uint8_t KEY_DER[48] = {
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
    0xd4, 0xee, 0x72, 0xdb, 0xf9, 0x13, 0x58, 0x4a, 0xd5, 0xb6, 0xd8, 0xf1, 0xf7, 0x69, 0xf8, 0xad,
    0x3a, 0xfe, 0x7c, 0x28, 0xcb, 0xf1, 0xd4, 0xfb, 0xe0, 0x97, 0xa8, 0x8f, 0x44, 0x75, 0x58, 0x42};

static void conversion(void) {
    const uint8_t *key = (const uint8_t *)KEY;
    const size_t len = sizeof KEY - 1;
    dcs_buffer *der = garbage();
    dcs_error *error = garbage();

    CHECK(dcs_private_key_file_to_pkcs8_der(NULL, NULL, &der, NULL) == INVALID);
    CHECK(der == NULL);
    CHECK(dcs_private_key_file_to_pkcs8_der("/does/not/exist.key", NULL, &der, &error) == DCS_ERR_FILE);
    CHECK(strstr(dcs_error_message(error), "/does/not/exist.key") != NULL);
    dcs_error_free(error);
    error = garbage();
    der = garbage();

    CHECK(dcs_private_key_to_pkcs8_der(NULL, 1, NULL, &der, &error) == INVALID);
    CHECK(der == NULL);
    CHECK(strstr(dcs_error_message(error), "'data'") != NULL);
    dcs_error_free(error);
    CHECK(dcs_private_key_to_pkcs8_der(key, SIZE_MAX, NULL, &der, NULL) == INVALID);
    CHECK(dcs_private_key_to_pkcs8_der(key, len, "\xff", &der, NULL) == INVALID);
    CHECK(dcs_private_key_to_pkcs8_der(key, len, NULL, NULL, NULL) == INVALID);
    der = garbage();
    CHECK(dcs_private_key_to_pkcs8_der(NULL, 0, NULL, &der, NULL) == DCS_ERR_PRIVATE_KEY);
    CHECK(der == NULL);
    CHECK(dcs_private_key_to_pkcs8_der(key, len / 2, NULL, &der, NULL) == DCS_ERR_PRIVATE_KEY);

    error = garbage();
    CHECK(dcs_private_key_to_pkcs8_der(key, len, NULL, &der, &error) == DCS_OK);
    CHECK(error == NULL);
    CHECK(dcs_buffer_len(der) == sizeof KEY_DER);
    CHECK(dcs_buffer_data(der) != NULL && memcmp(dcs_buffer_data(der), KEY_DER, sizeof KEY_DER) == 0);
    dcs_buffer_free(der);
}

int main(void) {
    versions_and_codes();
    null_handles();
    setters();
    errors();
    cancellations();
    log_levels_and_draining();
    log_callback();
    reports();
    conversion();
    return failures == 0 ? 0 : 1;
}
