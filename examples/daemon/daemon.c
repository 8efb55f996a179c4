/*
 * Requests the DCS's status at a fixed interval, and logs changes to syslog.
 *
 *     dcs-daemon [SECONDS]      settings from the environment: DCS_URL, DCS_CA_BUNDLE, ...
 *
 * SIGTERM and SIGINT end it at once, even during a call. SIGHUP reloads certificate and key. It stays in the
 * foreground, as systemd and containers expect.
 */

#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include <dcs.h>

/* A signal handler can do little more than write to a pipe. Nothing reads from `stopping`, so it stays readable, which
 * ends the call in flight and every later one. */
static int stopping[2];
static int waking[2];

static void on_signal(int number) {
    const int saved = errno;
    /* If the pipe is full, another byte would change nothing. */
    const ssize_t written = write(number == SIGHUP ? waking[1] : stopping[1], "", 1);
    (void)written;
    errno = saved;
}

static int make_pipe(int ends[2]) {
    return pipe2(ends, O_CLOEXEC | O_NONBLOCK);
}

static int catch_signals(void) {
    const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
    size_t i;
    struct sigaction action = {0};

    action.sa_handler = on_signal;
    sigemptyset(&action.sa_mask);
    for (i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (sigaction(numbers[i], &action, NULL) != 0) {
            return -1;
        }
    }
    return 0;
}

/* Runs on the thread of the call. Failed calls are logged below, with a hint. */
static void to_syslog(void *user_data, int32_t level, const char *target, const char *text) {
    (void)user_data;
    if (level == DCS_LOG_WARNING) {
        syslog(LOG_WARNING, "%s: %s", target, text);
    }
}

/* Logs an error and frees it. */
static void log_error(const char *what, dcs_error *error) {
    syslog(LOG_ERR, "%s: %s: %s %s", what, dcs_code_name(dcs_error_code(error)), dcs_error_message(error),
           dcs_error_hint(error));
    dcs_error_free(error);
}

static dcs_client *make_client(void) {
    dcs_error *error = NULL;
    dcs_client *client = NULL;
    dcs_config *config = dcs_config_new();

    if (dcs_config_load_env(config, &error) != DCS_OK || dcs_client_new(config, &client, &error) != DCS_OK) {
        log_error("cannot create the client", error);
    }
    dcs_config_free(config);
    return client;
}

/* Makes one call. Returns the least time before the next one, in milliseconds. */
static int64_t request_status(const dcs_client *client, const dcs_cancellation *cancellation) {
    static int32_t last = -1;
    int64_t wait = 0;
    dcs_error *error = NULL;
    dcs_status_response *status = NULL;
    const dcs_code code = dcs_status_until(client, cancellation, &status, &error);

    if (code == DCS_OK) {
        const int32_t available = dcs_status_response_available(status);
        const char *message = dcs_status_response_message(status);
        if (available != last) {
            syslog(LOG_NOTICE, "the DCS is %s%s%s", available ? "available" : "not available",
                   message != NULL ? ": " : "", message != NULL ? message : "");
        }
        last = available;
    } else if (code == DCS_ERR_INTERRUPTED) {
        dcs_error_free(error);
    } else {
        wait = dcs_error_retry_after_ms(error); /* -1 if the service has sent none */
        last = -1;
        log_error("no status", error);
    }
    dcs_status_response_free(status);
    return wait;
}

static void reload(const dcs_client *client) {
    char bytes[64];
    dcs_error *error = NULL;

    /* Several SIGHUPs in a row cause one reload. */
    while (read(waking[0], bytes, sizeof bytes) > 0) {
    }
    if (dcs_client_reload(client, &error) == DCS_OK) {
        syslog(LOG_NOTICE, "certificate and key are reloaded");
    } else {
        log_error("the previous certificate stays in use", error);
    }
}

int main(int argc, char **argv) {
    const long seconds = argc > 1 ? strtol(argv[1], NULL, 10) : 60;
    dcs_client *client;
    dcs_cancellation *cancellation;

    if (seconds < 1 || seconds > 86400) {
        fprintf(stderr, "usage: %s [SECONDS], from 1 to 86400\n", argv[0]);
        return 2;
    }
    openlog("dcs-daemon", LOG_PID | LOG_PERROR, LOG_DAEMON);
    if (make_pipe(stopping) != 0 || make_pipe(waking) != 0 || catch_signals() != 0) {
        syslog(LOG_ERR, "cannot catch signals: %s", strerror(errno));
        return 1;
    }
    dcs_log_set_callback(to_syslog, NULL);
    dcs_log_set_level(DCS_LOG_WARNING);

    client = make_client();
    if (client == NULL) {
        return 1;
    }
    cancellation = dcs_cancellation_new();
    dcs_cancellation_set_descriptor(cancellation, stopping[0]);

    for (;;) {
        struct pollfd events[2] = {{stopping[0], POLLIN, 0}, {waking[0], POLLIN, 0}};
        int64_t wait = request_status(client, cancellation);

        if (wait < seconds * 1000) {
            wait = seconds * 1000;
        } else if (wait > 86400000) {
            wait = 86400000;
        }
        /* A signal during the call is in its pipe, so none is missed here. */
        while (poll(events, 2, (int)wait) < 0 && errno == EINTR) {
        }
        if (events[0].revents != 0) {
            break;
        }
        if (events[1].revents != 0) {
            reload(client);
        }
    }
    syslog(LOG_NOTICE, "stopped by a signal");
    dcs_cancellation_free(cancellation);
    dcs_client_free(client);
    dcs_log_set_callback(NULL, NULL);
    closelog();
    return 0;
}
