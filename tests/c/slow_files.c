/*
 * Makes calls while the file system of the certificate does not answer. tests/integration/slow_files.rs runs it.
 *
 *     slow_files URL CA_BUNDLE CERTIFICATE PRIVATE_KEY
 *
 * Its own statx waits, as on a network file system whose server is gone. Prints "ok" if no
 * call, and not the freeing of the client, waits for it.
 */

#define _GNU_SOURCE
#include <linux/stat.h> /* Unlike that of the C library it does not declare that no path is NULL. */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <dcs.h>

enum { WATCHDOG_SECONDS = 120, MAX_ATTEMPTS = 20 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static const char *certificate;
static int is_hanging, waiting;

/* The library finds this one before the C library's. */
int statx(int folder, const char *path, int flags, unsigned mask, struct statx *found) {
    if (certificate != NULL && path != NULL && strcmp(path, certificate) == 0) {
        pthread_mutex_lock(&lock);
        waiting++;
        pthread_cond_broadcast(&changed);
        while (is_hanging) {
            pthread_cond_wait(&changed, &lock);
        }
        waiting--;
        pthread_cond_broadcast(&changed);
        pthread_mutex_unlock(&lock);
    }
    return (int)syscall(SYS_statx, folder, path, flags, mask, found);
}

static void hang(int should_hang) {
    pthread_mutex_lock(&lock);
    is_hanging = should_hang;
    pthread_cond_broadcast(&changed);
    while (!should_hang && waiting > 0) {
        pthread_cond_wait(&changed, &lock);
    }
    pthread_mutex_unlock(&lock);
}

static int hangs(void) {
    int answer;

    pthread_mutex_lock(&lock);
    answer = waiting > 0;
    pthread_mutex_unlock(&lock);
    return answer;
}

static void check(int is_right, int line) {
    if (!is_right) {
        fprintf(stderr, "%s:%d\n", __FILE__, line);
        _exit(1);
    }
}

#define CHECK(condition) check((condition), __LINE__)

static dcs_client *client;

/* Makes calls until one of them waits for the file system, and goes on without it. */
static void call_until_it_hangs(void) {
    hang(1);
    while (!hangs()) {
        dcs_status_response *status = NULL;
        CHECK(dcs_status(client, &status, NULL) == DCS_OK);
        dcs_status_response_free(status);
    }
}

/* Makes calls until one is interrupted, and returns whether that one was waiting for the file system. */
static void *call_until_interrupted(void *unused) {
    static int yes = 1;
    dcs_error *error = NULL;
    dcs_code code;
    int has_waited;

    (void)unused;
    do {
        dcs_status_response *status = NULL;
        code = dcs_status(client, &status, &error);
        dcs_status_response_free(status);
    } while (code == DCS_OK);
    CHECK(code == DCS_ERR_INTERRUPTED);
    has_waited = strstr(dcs_error_message(error), "before anything was sent") != NULL;
    dcs_error_free(error);
    return has_waited ? &yes : NULL;
}

/* Returns whether the interrupted call was waiting for the file system. On a busy machine it may have gone on before. */
static int interrupt_a_waiting_call(void) {
    pthread_t thread;
    void *has_waited;

    hang(1);
    CHECK(pthread_create(&thread, NULL, call_until_interrupted, NULL) == 0);
    while (!hangs()) {
        sched_yield();
    }
    do {
        dcs_client_interrupt(client);
        sched_yield();
    } while (pthread_tryjoin_np(thread, &has_waited) != 0);
    hang(0);
    return has_waited != NULL;
}

int main(int count, char **arguments) {
    dcs_config *config = dcs_config_new();
    int attempts = 0, i;

    CHECK(count == 5);
    alarm(WATCHDOG_SECONDS);
    dcs_config_set_url(config, arguments[1]);
    dcs_config_set_ca_bundle_file(config, arguments[2]);
    dcs_config_set_certificate_file(config, arguments[3]);
    dcs_config_set_private_key_file(config, arguments[4]);
    dcs_config_set_timeout_ms(config, WATCHDOG_SECONDS * 1000);
    dcs_config_set_reload_interval_ms(config, 1);
    CHECK(dcs_client_new(config, &client, NULL) == DCS_OK);
    dcs_config_free(config);
    certificate = arguments[3];

    call_until_it_hangs();
    /* The next calls do not wait. */
    for (i = 0; i < 3; i++) {
        dcs_status_response *status = NULL;
        CHECK(dcs_status(client, &status, NULL) == DCS_OK && hangs());
        dcs_status_response_free(status);
    }
    hang(0);
    while (!interrupt_a_waiting_call()) {
        CHECK(++attempts < MAX_ATTEMPTS);
    }
    call_until_it_hangs();
    dcs_client_free(client);
    hang(0);
    puts("ok");
    return 0;
}
