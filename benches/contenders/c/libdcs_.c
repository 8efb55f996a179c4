/* This library, through its C ABI: one client that all threads call. */

#include <stdio.h>
#include <string.h>

#include <dcs.h>

#include "contender.h"

static dcs_client *client;

static void fail_with(const dcs_error *error) {
    fail("%s: %s", dcs_code_name(dcs_error_code(error)), dcs_error_message(error));
}

void contender_start(const struct arguments *arguments) {
    dcs_error *error = NULL;
    dcs_config *config = dcs_config_new();
    if (strcmp(arguments->variant, "default") != 0) {
        fail("there is no variant '%s' of libdcs", arguments->variant);
    }
    if (dcs_config_set_option(config, "url", arguments->url, &error) != DCS_OK ||
        dcs_config_set_option(config, "ca_bundle", arguments->ca_bundle, &error) != DCS_OK ||
        dcs_config_set_option(config, "certificate", arguments->chain, &error) != DCS_OK ||
        dcs_config_set_option(config, "private_key", arguments->key, &error) != DCS_OK ||
        dcs_client_new(config, &client, &error) != DCS_OK) {
        fail_with(error);
    }
    dcs_config_free(config);
}

void *contender_worker(void) {
    return NULL;
}

void contender_call(void *worker) {
    dcs_error *error = NULL;
    dcs_status_response *status = NULL;
    (void)worker;
    if (dcs_status(client, &status, &error) != DCS_OK) {
        fail_with(error);
    }
    if (!dcs_status_response_available(status)) {
        fail("the answer is not the expected one: %s", dcs_status_response_json(status));
    }
    dcs_status_response_free(status);
}

void contender_versions(void) {
    printf("{\"libdcs\": \"%s\"}\n", dcs_version());
}
