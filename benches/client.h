/* Creates the client of a measuring program from a URL and three files, and ends the program if anything fails. */

#ifndef BENCHES_CLIENT_H
#define BENCHES_CLIENT_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <dcs.h>

static void fail(const char *what, dcs_error *error) {
    fprintf(stderr, "%s: %s\n", what, error != NULL ? dcs_error_message(error) : "no error");
    exit(1);
}

/* `files` are the CA bundle, the certificate and the private key. A timeout of 0 keeps the library's default. */
static dcs_client *new_client(const char *url, char **files, uint32_t timeout_ms) {
    dcs_error *error = NULL;
    dcs_client *client = NULL;
    dcs_config *config = dcs_config_new();
    if (timeout_ms > 0 && (dcs_config_set_timeout_ms(config, timeout_ms) != DCS_OK ||
                           dcs_config_set_connect_timeout_ms(config, timeout_ms) != DCS_OK)) {
        fail("no timeout", NULL);
    }
    if (dcs_config_set_url(config, url) != DCS_OK || dcs_config_set_ca_bundle_file(config, files[0]) != DCS_OK ||
        dcs_config_set_certificate_file(config, files[1]) != DCS_OK ||
        dcs_config_set_private_key_file(config, files[2]) != DCS_OK ||
        dcs_client_new(config, &client, &error) != DCS_OK) {
        fail("no client", error);
    }
    dcs_config_free(config);
    return client;
}

#endif
