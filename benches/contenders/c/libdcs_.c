/*
 * This library, through its C ABI. The variant is `default`, one client that all threads call, or a number of clients,
 * which the threads share evenly.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <dcs.h>

#include "contender.h"

static dcs_client **clients;
static long client_count;

static void fail_with(const dcs_error *error) {
    fail("%s: %s", dcs_code_name(dcs_error_code(error)), dcs_error_message(error));
}

static dcs_client *new_client(const struct arguments *arguments) {
    dcs_error *error = NULL;
    dcs_client *client = NULL;
    dcs_config *config = dcs_config_new();
    if (dcs_config_set_option(config, "url", arguments->url, &error) != DCS_OK ||
        dcs_config_set_option(config, "ca_bundle", arguments->ca_bundle, &error) != DCS_OK ||
        dcs_config_set_option(config, "certificate", arguments->chain, &error) != DCS_OK ||
        dcs_config_set_option(config, "private_key", arguments->key, &error) != DCS_OK ||
        dcs_client_new(config, &client, &error) != DCS_OK) {
        fail_with(error);
    }
    dcs_config_free(config);
    return client;
}

void contender_start(const struct arguments *arguments) {
    client_count = strcmp(arguments->variant, "default") == 0 ? 1 : atol(arguments->variant);
    if (client_count < 1) {
        fail("libdcs has no variant '%s'", arguments->variant);
    }
    clients = calloc((size_t)client_count, sizeof *clients);
    if (clients == NULL) {
        fail("no memory for %ld clients", client_count);
    }
    for (long i = 0; i < client_count; i++) {
        clients[i] = new_client(arguments);
    }
}

void *contender_worker(void) {
    static long next;
    return clients[next++ % client_count];
}

void contender_call(void *worker) {
    dcs_error *error = NULL;
    dcs_status_response *status = NULL;
    if (dcs_status(worker, &status, &error) != DCS_OK) {
        fail_with(error);
    }
    if (!dcs_status_response_available(status)) {
        fail("unexpected answer: %s", dcs_status_response_json(status));
    }
    dcs_status_response_free(status);
}

void contender_versions(void) {
    printf("{\"libdcs\": \"%s\"}\n", dcs_version());
}
