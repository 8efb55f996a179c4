/*
 * libcurl. Variants:
 *
 * default  a new easy handle for each call, as in libcurl's first example
 * best     one easy handle for each thread, which keeps its connections, TLS sessions and CA store
 * share    as best, and the threads share TLS sessions and DNS lookups in a CURLSH; libcurl cannot share connections
 *          between threads
 * tickets  as best, with the TLS 1.2 session tickets that libcurl disables in OpenSSL: without them and without a
 *          session cache in the server, no TLS 1.2 session is resumed
 */

/* For memmem. */
#define _GNU_SOURCE

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>
#include <openssl/ssl.h>

#include "contender.h"

static const struct arguments *settings;
static int is_kept;
static int has_tickets;
static CURLSH *share;
static pthread_mutex_t locks[CURL_LOCK_DATA_LAST];

/* The body of an answer. */
struct body {
    char bytes[4096];
    size_t length;
};

static void set(CURL *handle, CURLoption option, const void *value) {
    CURLcode code = curl_easy_setopt(handle, option, value);
    if (code != CURLE_OK) {
        fail("option %d: %s", (int)option, curl_easy_strerror(code));
    }
}

static void set_number(CURL *handle, CURLoption option, long value) {
    CURLcode code = curl_easy_setopt(handle, option, value);
    if (code != CURLE_OK) {
        fail("option %d: %s", (int)option, curl_easy_strerror(code));
    }
}

static size_t receive(char *data, size_t size, size_t count, void *user_data) {
    struct body *body = user_data;
    size_t length = size * count;
    if (length > sizeof body->bytes - body->length) {
        return 0;
    }
    memcpy(body->bytes + body->length, data, length);
    body->length += length;
    return length;
}

static CURLcode allow_tickets(CURL *handle, void *context, void *user_data) {
    (void)handle, (void)user_data;
    SSL_CTX_clear_options(context, SSL_OP_NO_TICKET);
    return CURLE_OK;
}

static CURL *new_handle(void) {
    CURL *handle = curl_easy_init();
    if (handle == NULL) {
        fail("curl_easy_init failed");
    }
    set(handle, CURLOPT_URL, settings->url);
    set(handle, CURLOPT_CAINFO, settings->ca_bundle);
    set(handle, CURLOPT_SSLCERT, settings->chain);
    set(handle, CURLOPT_SSLKEY, settings->key);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, receive);
    /* Required with threads. */
    set_number(handle, CURLOPT_NOSIGNAL, 1);
    if (is_kept) {
        set_number(handle, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
        set_number(handle, CURLOPT_SSL_ENABLE_ALPN, 0);
        /* The server listens on IPv4 only; otherwise ::1 is tried first. */
        set_number(handle, CURLOPT_IPRESOLVE, CURL_IPRESOLVE_V4);
        set_number(handle, CURLOPT_DNS_CACHE_TIMEOUT, -1);
#if LIBCURL_VERSION_NUM >= 0x075700
        set_number(handle, CURLOPT_CA_CACHE_TIMEOUT, -1);
#endif
    }
    if (has_tickets && curl_easy_setopt(handle, CURLOPT_SSL_CTX_FUNCTION, allow_tickets) != CURLE_OK) {
        fail("this libcurl does not use OpenSSL");
    }
    if (share != NULL) {
        set(handle, CURLOPT_SHARE, share);
    }
    return handle;
}

static void lock(CURL *handle, curl_lock_data data, curl_lock_access access, void *user_data) {
    (void)handle, (void)access, (void)user_data;
    pthread_mutex_lock(&locks[data]);
}

static void unlock(CURL *handle, curl_lock_data data, void *user_data) {
    (void)handle, (void)user_data;
    pthread_mutex_unlock(&locks[data]);
}

void contender_start(const struct arguments *arguments) {
    int is_shared = strcmp(arguments->variant, "share") == 0;
    settings = arguments;
    has_tickets = strcmp(arguments->variant, "tickets") == 0;
    is_kept = is_shared || has_tickets || strcmp(arguments->variant, "best") == 0;
    if (!is_kept && strcmp(arguments->variant, "default") != 0) {
        fail("libcurl has no variant '%s'", arguments->variant);
    }
    curl_global_init(CURL_GLOBAL_DEFAULT);
    if (is_shared) {
        for (int i = 0; i < CURL_LOCK_DATA_LAST; i++) {
            pthread_mutex_init(&locks[i], NULL);
        }
        share = curl_share_init();
        curl_share_setopt(share, CURLSHOPT_LOCKFUNC, lock);
        curl_share_setopt(share, CURLSHOPT_UNLOCKFUNC, unlock);
        if (curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION) != CURLSHE_OK ||
            curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS) != CURLSHE_OK) {
            fail("this libcurl cannot share TLS sessions");
        }
    }
}

void *contender_worker(void) {
    return is_kept ? new_handle() : NULL;
}

void contender_call(void *worker) {
    static const char expected[] = "\"available\":true";
    struct body body = {.length = 0};
    long status = 0;
    CURL *handle = worker != NULL ? worker : new_handle();
    set(handle, CURLOPT_WRITEDATA, &body);
    CURLcode code = curl_easy_perform(handle);
    if (code != CURLE_OK) {
        fail("%s", curl_easy_strerror(code));
    }
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200 || memmem(body.bytes, body.length, expected, sizeof expected - 1) == NULL) {
        fail("unexpected answer: HTTP %ld, %.*s", status, (int)body.length, body.bytes);
    }
    if (worker == NULL) {
        curl_easy_cleanup(handle);
    }
}

void contender_versions(void) {
    const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
    printf("{\"libcurl\": \"%s\", \"libcurl's TLS\": \"%s\"}\n", info->version, info->ssl_version);
}
