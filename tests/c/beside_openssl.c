/*
 * A host process that uses OpenSSL itself, before, beside and after the library. tests/integration/host_process.rs runs
 * it with the arguments of host_process.c. Prints nothing and exits with 0 if it passes.
 */

#include "host_process.h"

#include <netdb.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

enum { ROUNDS = 20 };

static struct library dcs;
static struct settings settings;
static SSL_CTX *context;
static char host[256];
static char port[8];

static int connect_to_server(void) {
    struct addrinfo wanted;
    struct addrinfo *found = NULL;
    struct addrinfo *address;
    int fd = -1;

    memset(&wanted, 0, sizeof wanted);
    wanted.ai_socktype = SOCK_STREAM;
    CHECK(getaddrinfo(host, port, &wanted, &found) == 0);
    for (address = found; address != NULL; address = address->ai_next) {
        fd = socket(address->ai_family, SOCK_STREAM, 0);
        if (connect(fd, address->ai_addr, address->ai_addrlen) == 0) {
            break;
        }
        close(fd);
        fd = -1;
    }
    freeaddrinfo(found);
    CHECK(fd >= 0);
    return fd;
}

/* The status call with OpenSSL. */
static void call_by_openssl(void) {
    static const char REQUEST[] = "GET /checks/passport HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    char response[4096];
    size_t length = 0;
    int fd = connect_to_server();
    SSL *ssl = SSL_new(context);
    int got;

    CHECK(ssl != NULL && SSL_set_fd(ssl, fd) == 1);
    CHECK(SSL_connect(ssl) == 1);
    CHECK(SSL_get_verify_result(ssl) == X509_V_OK);
    CHECK(SSL_write(ssl, REQUEST, sizeof REQUEST - 1) == sizeof REQUEST - 1);
    while (length < sizeof response - 1 &&
           (got = SSL_read(ssl, response + length, (int)(sizeof response - 1 - length))) > 0) {
        length += (size_t)got;
    }
    response[length] = '\0';
    CHECK(strstr(response, "\"available\":true") != NULL);
    SSL_free(ssl);
    close(fd);
    ERR_clear_error();
}

static void *openssl_calls(void *argument) {
    int i;

    for (i = 0; i < ROUNDS; i++) {
        call_by_openssl();
        /* The library leaves OpenSSL's error queue alone. */
        CHECK(ERR_peek_error() == 0);
    }
    return argument;
}

static void *library_calls(void *argument) {
    int i;

    for (i = 0; i < ROUNDS; i++) {
        CHECK(call(&dcs, argument, DCS_OK) == DCS_OK);
        CHECK(ERR_peek_error() == 0);
    }
    return NULL;
}

static void in_parallel_and_in_turns(void) {
    pthread_t threads[4];
    dcs_client *made = client(&dcs, &settings);
    size_t i;

    for (i = 0; i < 4; i++) {
        CHECK(pthread_create(&threads[i], NULL, i % 2 == 0 ? openssl_calls : library_calls, made) == 0);
    }
    for (i = 0; i < 4; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    /* In turns in one thread. */
    openssl_calls(NULL);
    library_calls(made);
    live(&dcs, &settings);
    openssl_calls(NULL);
    dcs.dcs_client_free(made);
}

int main(int argc, char **argv) {
    const char *colon;

    CHECK(argc >= 8);
    alarm(WATCHDOG_SECONDS);
    settings.url = argv[3];
    settings.ca_bundle = argv[4];
    settings.certificate = argv[5];
    settings.private_key = argv[6];
    settings.other_ca_bundle = argv[7];
    colon = strrchr(settings.url, ':');
    CHECK(sscanf(settings.url, "https://%255[^:]", host) == 1 && sscanf(colon, ":%7[0-9]", port) == 1);

    context = SSL_CTX_new(TLS_client_method());
    CHECK(SSL_CTX_load_verify_locations(context, settings.ca_bundle, NULL) == 1);
    CHECK(SSL_CTX_use_certificate_chain_file(context, settings.certificate) == 1);
    CHECK(SSL_CTX_use_PrivateKey_file(context, settings.private_key, SSL_FILETYPE_PEM) == 1);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    call_by_openssl();
    dcs = load(argv[2]);
    call_by_openssl();
    in_parallel_and_in_turns();
    CHECK(dlclose(dcs.handle) == 0);
    call_by_openssl();
    SSL_CTX_free(context);
    return 0;
}
