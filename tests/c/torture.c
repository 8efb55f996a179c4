/*
 * Makes every call of every function that the library uses fail, one after the other, and checks the result: a proper
 * code, no leaked descriptor or thread, an end in bounded time. tests/integration/torture.rs runs it with torture_shim.c
 * preloaded.
 *
 *     torture (quick | full) URL CA_BUNDLE CERTIFICATE PRIVATE_KEY [FUNCTION]
 *
 * Prints "FUNCTION ERROR CALLS": how many calls it made fail.
 */

#define _GNU_SOURCE

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <dcs.h>

enum { MAX_CALLS = 5000, MAX_ERRORS = 6, MAX_CODES = 9, WATCHDOG_SECONDS = 600 };

static void (*arm)(const char *, long, int, int);
static long (*disarm)(void);
static long (*unsafe_writes)(void);

static const char *url;
static const char *ca_bundle;
static const char *certificate;
static const char *private_key;
static int failures;

/* The results of the steps. */
struct outcome {
    dcs_code made;
    dcs_code called[2];
    dcs_code exported;
    dcs_code diagnosed;
    int32_t os_code;
    char message[512];
};

static dcs_code note(struct outcome *outcome, dcs_code code, dcs_error *error) {
    if (code != DCS_OK && error == NULL) {
        failures++;
        fprintf(stderr, "%s without an error\n", dcs_code_name(code));
    }
    if (error != NULL) {
        outcome->os_code = dcs_error_os_code(error);
        snprintf(outcome->message, sizeof outcome->message, "%s", dcs_error_message(error));
        if (dcs_error_code(error) != code || strlen(dcs_error_message(error)) < 10 ||
            strlen(dcs_error_hint(error)) < 10) {
            failures++;
            fprintf(stderr, "the error is incomplete: %s\n", outcome->message);
        }
        dcs_error_free(error);
    }
    return code;
}

static dcs_config *configure(uint32_t timeout) {
    dcs_config *config = dcs_config_new();

    if (config == NULL || dcs_config_set_url(config, url) != DCS_OK ||
        dcs_config_set_ca_bundle_file(config, ca_bundle) != DCS_OK ||
        dcs_config_set_certificate_file(config, certificate) != DCS_OK ||
        dcs_config_set_private_key_file(config, private_key) != DCS_OK ||
        dcs_config_set_connect_timeout_ms(config, timeout) != DCS_OK ||
        dcs_config_set_timeout_ms(config, timeout) != DCS_OK) {
        fprintf(stderr, "there is no configuration\n");
        exit(2);
    }
    return config;
}

/* Makes a client, makes a call on a new and one on a kept connection, and frees it. */
static void live(struct outcome *outcome, const dcs_config *config) {
    dcs_client *client = NULL;
    dcs_error *error = NULL;
    dcs_code code = dcs_client_new(config, &client, &error);
    int i;

    outcome->made = note(outcome, code, error);
    for (i = 0; i < 2 && client != NULL; i++) {
        dcs_status_response *response = NULL;
        error = NULL;
        code = dcs_status(client, &response, &error);
        outcome->called[i] = note(outcome, code, error);
        if ((code == DCS_OK) != (dcs_status_response_available(response) == 1)) {
            failures++;
            fprintf(stderr, "%s with a wrong response\n", dcs_code_name(code));
        }
        dcs_status_response_free(response);
    }
    dcs_client_free(client);
}

static void export_key(struct outcome *outcome) {
    dcs_buffer *der = NULL;
    dcs_error *error = NULL;
    dcs_code code = dcs_private_key_file_to_pkcs8_der(private_key, NULL, &der, &error);

    outcome->exported = note(outcome, code, error);
    dcs_buffer_free(der);
}

static void diagnose(struct outcome *outcome, const dcs_config *config) {
    dcs_report *report = NULL;
    dcs_error *error = NULL;
    dcs_code code = dcs_diagnose(config, &report, &error);

    outcome->diagnosed = note(outcome, code, error);
    if (code == DCS_OK && dcs_report_json(report) == NULL) {
        failures++;
        fprintf(stderr, "a report without a document\n");
    }
    dcs_report_free(report);
}

static int entries(const char *path) {
    DIR *folder = opendir(path);
    int count = 0;

    if (folder == NULL) {
        return -1;
    }
    while (readdir(folder) != NULL) {
        count++;
    }
    closedir(folder);
    return count;
}

/* The thread of a DNS lookup ends shortly after its answer. */
static void wait_for_threads(int threads) {
    time_t deadline = time(NULL) + WATCHDOG_SECONDS / 4;

    while (entries("/proc/self/task") != threads && time(NULL) < deadline) {
        sched_yield();
    }
}

/* A function, the errors that it may return, and the codes that they may cause besides DCS_OK. */
struct plan {
    const char *function;
    int errors[MAX_ERRORS];
    dcs_code codes[MAX_CODES];
};

#define FILES DCS_ERR_FILE
#define NETWORK DCS_ERR_CONNECT, DCS_ERR_CONNECTION_LOST, DCS_ERR_TIMEOUT

static const struct plan PLANS[] = {
    {"socket", {EMFILE, ENFILE, ENOBUFS, ENOMEM, EACCES}, {DCS_ERR_CONNECT}},
    {"connect", {ECONNREFUSED, ENETUNREACH, ETIMEDOUT, EPERM, EADDRNOTAVAIL, EINTR}, {DCS_ERR_CONNECT, DCS_ERR_TIMEOUT}},
    {"setsockopt", {EINVAL, ENOMEM, ENOPROTOOPT}, {NETWORK}},
    {"getsockopt", {ENOMEM}, {NETWORK}},
    {"poll", {EINTR, ENOMEM}, {NETWORK}},
    {"send", {EINTR, EAGAIN, ECONNRESET, EPIPE, ENOBUFS, EPERM}, {NETWORK}},
    {"send_short", {0}, {NETWORK}},
    {"recv", {EINTR, EAGAIN, ECONNRESET, ETIMEDOUT, ENOMEM, EHOSTUNREACH}, {NETWORK, DCS_ERR_RESPONSE}},
    {"recv_end", {0}, {NETWORK, DCS_ERR_RESPONSE}},
    {"recv_short", {0}, {NETWORK}},
    {"getaddrinfo", {EAI_AGAIN, EAI_FAIL, EAI_MEMORY, EAI_NONAME, EAI_SYSTEM}, {DCS_ERR_RESOLVE}},
    {"pthread_create", {EAGAIN, EPERM, ENOMEM}, {DCS_OK}},
    {"open", {EMFILE, EACCES, EINTR, ENOENT, ENOMEM, EIO}, {FILES}},
    {"fstat", {EIO, ENOMEM, EOVERFLOW}, {FILES}},
    {"statx", {ENOSYS, EIO, EPERM}, {FILES}},
    {"stat", {EIO}, {FILES}},
    {"lseek", {EIO}, {FILES}},
    {"read", {EINTR, EIO, EAGAIN, ENOMEM, EISDIR}, {FILES}},
    /* A file that becomes shorter while it is read counts as the shorter one. */
    {"read_end", {0}, {FILES, DCS_ERR_CA_BUNDLE, DCS_ERR_CERTIFICATE, DCS_ERR_PRIVATE_KEY}},
    {"read_short", {0}, {FILES}},
    {"close", {EINTR, EIO}, {DCS_OK}},
    {"mmap", {ENOMEM, EPERM}, {DCS_OK}},
    /* No kernel does this. Any error is allowed, but nothing worse. */
    {"clock_gettime", {EINVAL}, {DCS_ERR_INTERNAL, DCS_ERR_RESOLVE, DCS_ERR_TIMEOUT}},
    /* aws-lc does not always say why it could not read something. What it could not read is not trusted. */
    {"aws_lc_malloc", {ENOMEM}, {DCS_ERR_TLS, DCS_ERR_INTERNAL, DCS_ERR_PRIVATE_KEY, DCS_ERR_KEY_MISMATCH,
                                 DCS_ERR_CERTIFICATE, DCS_ERR_SERVER_CERTIFICATE, DCS_ERR_CONNECTION_LOST,
                                 DCS_ERR_CA_BUNDLE, DCS_ERR_SERVER_UNTRUSTED}},
};

/*
 * Called once in a process. If the kernel lacks or forbids it, Rust's standard library and aws-lc open /dev/urandom, or
 * end the process: aws-lc never continues without random bytes.
 */
static const struct plan ONCE = {"getrandom", {EINTR}, {DCS_OK}};

/* Returns whether the event is no failure, so that it must have no effect if it happens once. */
static int is_harmless(const struct plan *plan, int error) {
    int is_transfer = strcmp(plan->function, "send") == 0 || strcmp(plan->function, "recv") == 0;

    return error == EINTR || (error == EAGAIN && is_transfer) || strstr(plan->function, "_short") != NULL;
}

static int allowed(const struct plan *plan, int error, int from_then_on, dcs_code code) {
    int i;

    if (code == DCS_OK) {
        return 1;
    }
    if (from_then_on && code == DCS_ERR_TIMEOUT) {
        return 1;
    }
    if (!from_then_on && is_harmless(plan, error)) {
        return 0;
    }
    for (i = 0; i < MAX_CODES && plan->codes[i] != DCS_OK; i++) {
        if (plan->codes[i] == code) {
            return 1;
        }
    }
    return 0;
}

static void report(const struct plan *plan, int error, long n, const char *what, const char *which) {
    failures++;
    fprintf(stderr, "%s, call %ld, error %d: %s %s\n", plan->function, n, error, what, which);
}

/*
 * Runs all steps with the failure armed, and checks the results. Returns whether a call failed. Returns -1 if a timeout
 * passed before that: on a busy machine the step needs a longer one.
 */
static int attempt(const struct plan *plan, int error, long n, int from_then_on, uint32_t timeout_ms) {
    struct outcome outcome;
    dcs_config *config = configure(timeout_ms);
    int descriptors = entries("/proc/self/fd");
    int threads = entries("/proc/self/task");
    long hits;
    dcs_code codes[5];
    int i;

    memset(&outcome, 0, sizeof outcome);
    alarm(WATCHDOG_SECONDS);
    arm(plan->function, n, error, from_then_on);
    live(&outcome, config);
    export_key(&outcome);
    diagnose(&outcome, config);
    hits = disarm();
    alarm(0);
    wait_for_threads(threads);
    dcs_config_free(config);

    codes[0] = outcome.made;
    codes[1] = outcome.called[0];
    codes[2] = outcome.called[1];
    codes[3] = outcome.exported;
    codes[4] = outcome.diagnosed;
    for (i = 0; i < 5; i++) {
        if (hits == 0 && codes[i] == DCS_ERR_TIMEOUT && timeout_ms < WATCHDOG_SECONDS * 100) {
            return -1;
        }
        if (!allowed(plan, error, from_then_on, codes[i])) {
            report(plan, error, n, dcs_code_name(codes[i]), outcome.message);
        }
        if (hits == 0 && codes[i] != DCS_OK) {
            report(plan, error, n, "no call failed, but:", outcome.message);
        }
    }
    if (entries("/proc/self/fd") != descriptors) {
        report(plan, error, n, "a leaked descriptor", "");
    }
    if (entries("/proc/self/task") != threads) {
        report(plan, error, n, "a leaked thread", "");
    }
    if ((outcome.made == DCS_ERR_FILE || outcome.exported == DCS_ERR_FILE) && error != 0 &&
        outcome.os_code != error) {
        report(plan, error, n, "the error has another number:", outcome.message);
    }
    return hits > 0;
}

static int try(const struct plan *plan, int error, long n, int from_then_on) {
    /* If every call fails from then on, the steps wait for their timeouts. */
    uint32_t timeout_ms = from_then_on ? 400 : WATCHDOG_SECONDS * 100;
    int is_hit;

    while ((is_hit = attempt(plan, error, n, from_then_on, timeout_ms)) < 0) {
        timeout_ms *= 10;
    }
    return is_hit;
}

/* Tries in a process that has not used the library yet. */
static int try_first(const struct plan *plan, int error, long n, int from_then_on) {
    pid_t child = fork();
    int status = 0;

    if (child == 0) {
        int is_hit = try(plan, error, n, from_then_on);
        _exit(failures != 0 ? 2 : is_hit);
    }
    if (waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) > 1) {
        report(plan, error, n, "the process failed", "");
        return 0;
    }
    return WEXITSTATUS(status);
}

static void torture(const struct plan *plan, int is_full) {
    int (*try_once)(const struct plan *, int, long, int) = plan == &ONCE ? try_first : try;
    int goes_on;
    int e;

    for (e = 0; e < MAX_ERRORS && (e == 0 || plan->errors[e] != 0); e++) {
        long n = 1;

        while (n < MAX_CALLS && try_once(plan, plan->errors[e], n, 0)) {
            n++;
        }
        printf("%s %d %ld\n", plan->function, plan->errors[e], n - 1);
        /*
         * Then every call fails from the n-th on. For threads this is always tried, because it is common. Rust's
         * standard library repeats an interrupted open for ever, so that is not tried.
         */
        goes_on = is_full || strcmp(plan->function, "pthread_create") == 0;
        goes_on = goes_on && plan != &ONCE && !(plan->errors[e] == EINTR && plan->codes[0] == FILES);
        for (n = 1; goes_on && n < MAX_CALLS && try(plan, plan->errors[e], n, 1);) {
            n += 1 + n / 4;
        }
    }
}

int main(int argc, char **argv) {
    size_t i;
    int is_full;

    *(void **)&arm = dlsym(RTLD_DEFAULT, "torture_arm");
    *(void **)&disarm = dlsym(RTLD_DEFAULT, "torture_disarm");
    *(void **)&unsafe_writes = dlsym(RTLD_DEFAULT, "torture_unsafe_writes");
    if (argc < 6 || arm == NULL || disarm == NULL || unsafe_writes == NULL) {
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    is_full = strcmp(argv[1], "full") == 0;
    url = argv[2];
    ca_bundle = argv[3];
    certificate = argv[4];
    private_key = argv[5];
    torture(&ONCE, is_full);
    /* Initialises what the library makes once for a process. */
    {
        struct plan nothing = {"nothing", {0}, {0}};
        try(&nothing, 0, 1, 0);
    }
    for (i = 0; i < sizeof PLANS / sizeof PLANS[0]; i++) {
        if (argc < 7 || strcmp(argv[6], PLANS[i].function) == 0) {
            torture(&PLANS[i], is_full);
        }
    }
    if (unsafe_writes() != 0) {
        failures++;
        fprintf(stderr, "%ld writes could have raised SIGPIPE\n", unsafe_writes());
    }
    return failures == 0 ? 0 : 1;
}
