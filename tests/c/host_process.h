/* Shared by the programs that load the library at run time, as a host with plug-ins does (host_process.c). */

#ifndef HOST_PROCESS_H
#define HOST_PROCESS_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dcs.h>

/* Ends a program that hangs; far above what a busy machine needs. */
enum { WATCHDOG_SECONDS = 600 };

#define CHECK(condition) \
    ((condition) ? (void)0 : (fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition), exit(1)))

#define FUNCTIONS(X) \
    X(dcs_version) X(dcs_abi_version) X(dcs_config_new) X(dcs_config_free) X(dcs_config_set_url) \
    X(dcs_config_set_ca_bundle_file) X(dcs_config_set_certificate_file) X(dcs_config_set_private_key_file) \
    X(dcs_config_set_ca_bundle) X(dcs_config_set_certificate) X(dcs_config_set_private_key) \
    X(dcs_config_set_private_key_password) X(dcs_config_set_timeout_ms) X(dcs_config_set_proxy) \
    X(dcs_config_set_option) X(dcs_config_load_env) X(dcs_client_new) X(dcs_client_free) X(dcs_status) \
    X(dcs_status_response_available) X(dcs_status_response_free) X(dcs_error_code) X(dcs_error_message) \
    X(dcs_error_os_code) X(dcs_error_free) X(dcs_diagnose) X(dcs_report_ok) X(dcs_report_text) \
    X(dcs_report_json) X(dcs_report_html) X(dcs_report_redacted) X(dcs_report_free) \
    X(dcs_private_key_to_pkcs8_der) X(dcs_private_key_file_to_pkcs8_der) X(dcs_buffer_free) \
    X(dcs_log_set_level) X(dcs_log_set_callback) X(dcs_log_next) X(dcs_log_record_free)

/* One copy of the library. */
struct library {
    void *handle;
#define FIELD(name) __typeof__(name) *name;
    FUNCTIONS(FIELD)
#undef FIELD
};

static inline struct library take(void *handle) {
    struct library library;

    if (handle == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
    library.handle = handle;
#define FIND(name) \
    *(void **)&library.name = dlsym(handle, #name); \
    CHECK(library.name != NULL);
    FUNCTIONS(FIND)
#undef FIND
    return library;
}

static inline struct library load(const char *path) {
    return take(dlopen(path, RTLD_NOW | RTLD_LOCAL));
}

/* The server and the files. */
struct settings {
    const char *url;
    const char *ca_bundle;
    const char *certificate;
    const char *private_key;
    /* A bundle that does not verify the server's certificate. */
    const char *other_ca_bundle;
    const char *password;
};

static inline dcs_config *configure(const struct library *dcs, const struct settings *settings) {
    dcs_config *config = dcs->dcs_config_new();

    CHECK(config != NULL);
    CHECK(dcs->dcs_config_set_url(config, settings->url) == DCS_OK);
    CHECK(dcs->dcs_config_set_ca_bundle_file(config, settings->ca_bundle) == DCS_OK);
    CHECK(dcs->dcs_config_set_certificate_file(config, settings->certificate) == DCS_OK);
    CHECK(dcs->dcs_config_set_private_key_file(config, settings->private_key) == DCS_OK);
    CHECK(dcs->dcs_config_set_private_key_password(config, settings->password) == DCS_OK);
    CHECK(dcs->dcs_config_set_timeout_ms(config, WATCHDOG_SECONDS * 1000 / 4) == DCS_OK);
    return config;
}

/* Prints an unexpected error, frees it and returns the code. */
static inline dcs_code report_error(const struct library *dcs, dcs_code code, dcs_error **error, dcs_code expected) {
    if (code != expected && *error != NULL) {
        fprintf(stderr, "%s\n", dcs->dcs_error_message(*error));
    }
    dcs->dcs_error_free(*error);
    *error = NULL;
    return code;
}

static inline dcs_client *client(const struct library *dcs, const struct settings *settings) {
    dcs_config *config = configure(dcs, settings);
    dcs_client *made = NULL;
    dcs_error *error = NULL;
    dcs_code code = dcs->dcs_client_new(config, &made, &error);

    CHECK(report_error(dcs, code, &error, DCS_OK) == DCS_OK);
    dcs->dcs_config_free(config);
    return made;
}

static inline dcs_code call(const struct library *dcs, const dcs_client *client, dcs_code expected) {
    dcs_status_response *response = NULL;
    dcs_error *error = NULL;
    dcs_code code = dcs->dcs_status(client, &response, &error);

    CHECK((code == DCS_OK) == (response != NULL));
    CHECK((code == DCS_OK) == (error == NULL));
    dcs->dcs_status_response_free(response);
    return report_error(dcs, code, &error, expected);
}

/* Makes a diagnosis and reads its report. */
static inline void diagnose(const struct library *dcs, const struct settings *settings) {
    dcs_config *config = configure(dcs, settings);
    dcs_report *report = NULL;
    dcs_report *redacted = NULL;
    dcs_error *error = NULL;
    dcs_code code = dcs->dcs_diagnose(config, &report, &error);

    CHECK(report_error(dcs, code, &error, DCS_OK) == DCS_OK);
    CHECK(dcs->dcs_report_redacted(report, &redacted, NULL) == DCS_OK);
    CHECK(strlen(dcs->dcs_report_text(report)) > 40);
    CHECK(strlen(dcs->dcs_report_json(report)) > 40);
    CHECK(strlen(dcs->dcs_report_html(redacted)) > 40);
    dcs->dcs_report_free(redacted);
    dcs->dcs_report_free(report);
    dcs->dcs_config_free(config);
}

/* Makes, uses and frees clients: calls that succeed, calls that fail, a client that cannot be made. */
static inline void live(const struct library *dcs, const struct settings *settings) {
    struct settings wrong = *settings;
    dcs_client *made = client(dcs, settings);
    dcs_error *error = NULL;
    dcs_config *config;
    dcs_client *none = NULL;

    CHECK(call(dcs, made, DCS_OK) == DCS_OK);
    CHECK(call(dcs, made, DCS_OK) == DCS_OK);
    dcs->dcs_client_free(made);
    wrong.url = "https://127.0.0.1:1/";
    made = client(dcs, &wrong);
    CHECK(call(dcs, made, DCS_ERR_CONNECT) == DCS_ERR_CONNECT);
    dcs->dcs_client_free(made);
    wrong = *settings;
    wrong.ca_bundle = settings->other_ca_bundle;
    made = client(dcs, &wrong);
    CHECK(call(dcs, made, DCS_ERR_SERVER_UNTRUSTED) == DCS_ERR_SERVER_UNTRUSTED);
    dcs->dcs_client_free(made);
    wrong.private_key = settings->ca_bundle;
    config = configure(dcs, &wrong);
    CHECK(dcs->dcs_client_new(config, &none, &error) == DCS_ERR_PRIVATE_KEY);
    dcs->dcs_error_free(error);
    dcs->dcs_config_free(config);
}

#endif
