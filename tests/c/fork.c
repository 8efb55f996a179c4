/*
 * Forks while other threads are inside calls. tests/integration/fork.rs runs it.
 *
 *     fork URL CA_BUNDLE CERTIFICATE PRIVATE_KEY THREADS CHILDREN CALLS [namespace]
 *
 * THREADS threads make calls with one client all the time, while the main thread forks CHILDREN children one after the
 * other. Each child makes CALLS calls with the inherited client and frees it. Afterwards the parent's own connection must
 * still be open. With "namespace" this process must be number 1 of its PID namespace, and each child is number 1 of
 * another. Prints "ok" if every call of every process succeeded.
 */

#define _GNU_SOURCE /* unshare */

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <dcs.h>

enum { WATCHDOG_SECONDS = 600 };

static dcs_client *client;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int is_over;
static long failed;

/* Returns 1 if the call reused a connection, 0 if not, -1 if it failed. */
static int call(void) {
    dcs_status_response *status = NULL;
    dcs_error *error = NULL;
    int reused = -1;

    if (dcs_status(client, &status, &error) == DCS_OK) {
        reused = dcs_status_response_connection_reused(status);
    } else {
        fprintf(stderr, "%ld: %s\n", (long)getpid(), dcs_error_message(error));
    }
    dcs_status_response_free(status);
    dcs_error_free(error);
    return reused;
}

static void *keep_calling(void *unused) {
    int is_done = 0;

    (void)unused;
    while (!is_done) {
        int outcome = call();
        pthread_mutex_lock(&lock);
        failed += outcome < 0;
        is_done = is_over;
        pthread_mutex_unlock(&lock);
    }
    return NULL;
}

static int open_descriptors(void) {
    int fd, count = 0;

    for (fd = 0; fd < 1024; fd++) {
        count += fcntl(fd, F_GETFD) != -1;
    }
    return count;
}

/*
 * Runs in a child. Its first call opens a connection of its own and closes the parent's idle one, which is the only one
 * if no other thread makes calls.
 */
static int child(long calls, int is_alone) {
    int before = open_descriptors();
    long i;

    if (calls > 0 && call() != 0) {
        return 2;
    }
    if (is_alone && open_descriptors() > before) {
        return 4;
    }
    for (i = 1; i < calls; i++) {
        if (call() < 0) {
            return 3;
        }
    }
    dcs_client_free(client);
    return 0;
}

int main(int count, char **arguments) {
    dcs_config *config = dcs_config_new();
    dcs_error *error = NULL;
    int threads, children, i, status, reused;
    long calls;
    pthread_t *ids;

    if (count < 8) {
        return 64;
    }
    threads = atoi(arguments[5]);
    children = atoi(arguments[6]);
    calls = atol(arguments[7]);
    dcs_config_set_url(config, arguments[1]);
    dcs_config_set_ca_bundle_file(config, arguments[2]);
    dcs_config_set_certificate_file(config, arguments[3]);
    dcs_config_set_private_key_file(config, arguments[4]);
    /* Above what so many processes at once take on a busy machine. */
    dcs_config_set_connect_timeout_ms(config, WATCHDOG_SECONDS * 1000 / 4);
    dcs_config_set_timeout_ms(config, WATCHDOG_SECONDS * 1000 / 4);
    if (dcs_client_new(config, &client, &error) != DCS_OK || call() < 0) {
        return 65;
    }
    dcs_config_free(config);
    /* The log takes locks too, and a child may be forked while one is held. */
    dcs_log_set_level(DCS_LOG_TRACE);

    ids = calloc((size_t)threads + 1, sizeof *ids);
    for (i = 0; i < threads; i++) {
        if (ids == NULL || pthread_create(&ids[i], NULL, keep_calling, NULL) != 0) {
            return 66;
        }
    }
    if (count > 8 && (getpid() != 1 || unshare(CLONE_NEWPID) != 0)) {
        return 68;
    }
    for (i = 0; i < children; i++) {
        pid_t pid = fork();
        if (pid < 0) {
            return 67;
        }
        if (pid == 0) {
            /* Ends a child that waits for a lock of a thread that it does not have. */
            alarm(WATCHDOG_SECONDS);
            _exit(child(i % 4 == 3 ? 0 : calls, threads == 0));
        }
    }
    for (i = 0; i < children; i++) {
        if (wait(&status) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
            fprintf(stderr, "a child ended with %x\n", (unsigned)status);
            failed++;
        }
    }
    pthread_mutex_lock(&lock);
    is_over = 1;
    pthread_mutex_unlock(&lock);
    for (i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
    }
    reused = call();
    dcs_client_free(client);
    free(ids);
    if (failed == 0 && reused >= 0) {
        printf("ok reused=%d\n", reused);
        return 0;
    }
    return 1;
}
