/*
 * The rules of dcs.h that hold for every function: NULL, text that is not UTF-8, out-parameters, frees.
 * Needs no server. Prints what failed and exits with 1.
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

/* What an out-parameter holds before a call that must overwrite it. */
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
    CHECK(dcs_code_name(205) == NULL);
    CHECK(dcs_code_name(INT32_MAX) == NULL);
    CHECK(strlen(dcs_code_hint(DCS_ERR_CLIENT_CERT_REQUIRED)) > 20);
    CHECK(dcs_code_hint(INT32_MIN) == NULL);
}

static void null_is_nothing(void) {
    dcs_config_free(NULL);
    dcs_client_free(NULL);
    dcs_status_response_free(NULL);
    dcs_error_free(NULL);

    CHECK(dcs_error_code(NULL) == DCS_OK);
    CHECK(dcs_error_message(NULL) == NULL);
    CHECK(dcs_error_hint(NULL) == NULL);
    CHECK(dcs_error_check(NULL) == NULL);
    CHECK(dcs_error_http_status(NULL) == 0);
    CHECK(dcs_error_tls_alert(NULL) == -1);
    CHECK(dcs_error_os_code(NULL) == 0);
    CHECK(dcs_error_retryable(NULL) == 0);
    CHECK(dcs_error_retry_after_ms(NULL) == -1);

    CHECK(dcs_status_response_available(NULL) == -1);
    CHECK(dcs_status_response_message(NULL) == NULL);
    CHECK(dcs_status_response_outage_count(NULL) == 0);
    CHECK(dcs_status_response_outage_start(NULL, 0) == NULL);
    CHECK(dcs_status_response_outage_end(NULL, 0) == NULL);
    CHECK(dcs_status_response_outage_message(NULL, 0) == NULL);
    CHECK(dcs_status_response_outage_start_unix_ms(NULL, 0) == INT64_MIN);
    CHECK(dcs_status_response_outage_end_unix_ms(NULL, 0) == INT64_MIN);
    CHECK(dcs_status_response_json(NULL) == NULL);
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
    CHECK(dcs_config_set_proxy(config, "http://user:p%40ss@proxy:3128") == DCS_OK);
    CHECK(dcs_config_set_proxy(config, NULL) == DCS_OK);
    CHECK(dcs_config_set_proxy(config, "proxy") == INVALID);
    CHECK(dcs_config_set_proxy(NULL, NULL) == INVALID);
    dcs_config_free(config);
}

static void errors(void) {
    dcs_config *config = dcs_config_new();
    dcs_client *client = garbage();
    dcs_status_response *response = garbage();
    dcs_error *error = garbage();

    /* An option in words; a success clears the error. */
    CHECK(dcs_config_set_option(config, "url", "http://localhost/", &error) == INVALID);
    CHECK(dcs_error_code(error) == INVALID);
    CHECK(strstr(dcs_error_message(error), "http://localhost/") != NULL);
    CHECK(strlen(dcs_error_hint(error)) > 10);
    dcs_error_free(error);
    error = garbage();
    CHECK(dcs_config_set_option(config, "timeout_ms", "100", &error) == DCS_OK);
    CHECK(error == NULL);
    CHECK(dcs_config_set_option(config, NULL, "x", NULL) == INVALID);
    CHECK(dcs_config_set_option(config, "url", NULL, NULL) == INVALID);
    CHECK(dcs_config_set_option(NULL, "url", "x", NULL) == INVALID);
    CHECK(dcs_config_set_option(config, "nonsense", "x", NULL) == INVALID);
    CHECK(dcs_config_load_env(NULL, NULL) == INVALID);

    /* A failure clears the result, whatever stood there, and the error may be left out. */
    CHECK(dcs_client_new(config, &client, NULL) == DCS_ERR_CA_BUNDLE);
    CHECK(client == NULL);
    error = garbage();
    CHECK(dcs_client_new(NULL, &client, &error) == INVALID);
    CHECK(strstr(dcs_error_message(error), "'config'") != NULL);
    dcs_error_free(error);
    CHECK(dcs_client_new(config, NULL, NULL) == INVALID);
    CHECK(dcs_status(NULL, &response, NULL) == INVALID);
    CHECK(response == NULL);

    /* The configuration is only borrowed and can be used again after a failure. */
    error = garbage();
    CHECK(dcs_config_set_ca_bundle_file(config, "/does/not/exist.pem") == DCS_OK);
    CHECK(dcs_client_new(config, &client, &error) == DCS_ERR_FILE);
    CHECK(strstr(dcs_error_message(error), "/does/not/exist.pem") != NULL);
    CHECK(dcs_error_os_code(error) != 0);
    CHECK(dcs_error_check(error) == NULL);
    CHECK(dcs_error_http_status(error) == 0);
    CHECK(dcs_error_tls_alert(error) == -1);
    CHECK(dcs_error_retryable(error) == 0);
    CHECK(dcs_error_retry_after_ms(error) == -1);
    dcs_error_free(error);
    dcs_config_free(config);
}

int main(void) {
    versions_and_codes();
    null_is_nothing();
    setters();
    errors();
    return failures == 0 ? 0 : 1;
}
