/*
 * Makes calls whose DNS lookup is never answered. tests/integration/slow_dns.rs runs it in a network namespace.
 *
 *     slow_dns URL CA_BUNDLE CERTIFICATE PRIVATE_KEY
 *
 * /etc/resolv.conf must name 127.0.0.1, where this program's own socket listens on port 53. Prints one line for each
 * call: its code, how many milliseconds late it ended, and its message.
 */

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <net/if.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <dcs.h>

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* In a new network namespace even the loopback is down. */
static int bring_loopback_up(void) {
    struct ifreq request;
    int any = socket(AF_INET, SOCK_DGRAM, 0);

    memset(&request, 0, sizeof request);
    strcpy(request.ifr_name, "lo");
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    if (any < 0 || ioctl(any, SIOCSIFFLAGS, &request) != 0) {
        return -1;
    }
    return close(any);
}

static int name_server(void) {
    struct sockaddr_in address;
    int server = socket(AF_INET, SOCK_DGRAM, 0);

    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_port = htons(53);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (server < 0 || bind(server, (struct sockaddr *)&address, sizeof address) != 0) {
        return -1;
    }
    return server;
}

struct call {
    dcs_client *client;
    dcs_code code;
    dcs_error *error;
    int64_t ended;
};

static void *run(void *argument) {
    struct call *call = argument;
    dcs_status_response *status = NULL;

    call->code = dcs_status(call->client, &status, &call->error);
    call->ended = now();
    dcs_status_response_free(status);
    return NULL;
}

static void print(struct call *call, int64_t due) {
    printf("%s %lld %s\n", dcs_code_name(call->code), (long long)(call->ended - due), dcs_error_message(call->error));
    dcs_error_free(call->error);
    call->error = NULL;
}

int main(int count, char **arguments) {
    const uint32_t timeout_ms = 700;
    dcs_config *config = dcs_config_new();
    struct call call = {0};
    pthread_t thread;
    char query[512];
    int64_t start;
    int server;

    if (count != 5 || bring_loopback_up() != 0 || (server = name_server()) < 0) {
        return 64;
    }
    dcs_config_set_url(config, arguments[1]);
    dcs_config_set_ca_bundle_file(config, arguments[2]);
    dcs_config_set_certificate_file(config, arguments[3]);
    dcs_config_set_private_key_file(config, arguments[4]);

    /* Twice: the second call waits for the lookup of the first. */
    dcs_config_set_timeout_ms(config, timeout_ms);
    if (dcs_client_new(config, &call.client, NULL) != DCS_OK) {
        return 65;
    }
    for (int i = 0; i < 2; i++) {
        start = now();
        run(&call);
        print(&call, start + timeout_ms);
    }
    /* The lookup is still in flight, in a thread of its own. */
    dcs_client_free(call.client);

    /* Discards the queries so far, to wait for the next call's. */
    while (recv(server, query, sizeof query, MSG_DONTWAIT) > 0) {
    }
    dcs_config_set_timeout_ms(config, 600000);
    dcs_config_set_connect_timeout_ms(config, 600000);
    if (dcs_client_new(config, &call.client, NULL) != DCS_OK ||
        pthread_create(&thread, NULL, run, &call) != 0 || recv(server, query, sizeof query, 0) < 0) {
        return 66;
    }
    start = now();
    dcs_client_interrupt(call.client);
    pthread_join(thread, NULL);
    print(&call, start);
    dcs_client_free(call.client);
    dcs_config_free(config);
    return 0;
}
