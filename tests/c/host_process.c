/*
 * Tests what the library does to its host process. tests/integration/host_process.rs runs it. Prints nothing and exits
 * with 0 if it passes.
 *
 *     host_process TEST LIBRARY URL CA_BUNDLE CERTIFICATE PRIVATE_KEY OTHER_CA_BUNDLE [PASSWORD [MORE]]
 */

#include "host_process.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *path;
static struct settings settings;
static const char *more;
static struct library dcs;

/* ---- Signals ---- */

struct signals {
    struct sigaction actions[NSIG];
    sigset_t mask;
    stack_t stack;
};

static void read_signals(struct signals *seen) {
    int number;

    memset(seen, 0, sizeof *seen);
    for (number = 1; number < NSIG; number++) {
        sigaction(number, NULL, &seen->actions[number]);
    }
    pthread_sigmask(SIG_SETMASK, NULL, &seen->mask);
    sigaltstack(NULL, &seen->stack);
}

static int same_set(const sigset_t *before, const sigset_t *now) {
    int number;

    for (number = 1; number < NSIG; number++) {
        if (sigismember(before, number) != sigismember(now, number)) {
            return 0;
        }
    }
    return 1;
}

static void check_signals(const struct signals *before) {
    struct signals now;
    int number;

    read_signals(&now);
    for (number = 1; number < NSIG; number++) {
        CHECK(before->actions[number].sa_handler == now.actions[number].sa_handler);
        CHECK(before->actions[number].sa_flags == now.actions[number].sa_flags);
        CHECK(same_set(&before->actions[number].sa_mask, &now.actions[number].sa_mask));
    }
    CHECK(same_set(&before->mask, &now.mask));
    CHECK(before->stack.ss_sp == now.stack.ss_sp && before->stack.ss_flags == now.stack.ss_flags);
}

static void ignore(int number) {
    (void)number;
}

static void signals(void) {
    static struct signals before;
    struct sigaction action;

    /* Also compares dispositions that are not the default. */
    memset(&action, 0, sizeof action);
    action.sa_handler = ignore;
    action.sa_flags = SA_RESTART;
    CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
    CHECK(sigaction(SIGALRM, &action, NULL) == 0);
    read_signals(&before);
    CHECK(before.actions[SIGPIPE].sa_handler == SIG_DFL);
    dcs = load(path);
    check_signals(&before);
    live(&dcs, &settings);
    check_signals(&before);
    diagnose(&dcs, &settings);
    check_signals(&before);
    dlclose(dcs.handle);
    check_signals(&before);
}

/* ---- Peers that close or reset the connection ---- */

enum { AT_ONCE, AFTER_HELLO, WAYS };

struct peer {
    int listener;
    atomic_int connections;
};

static void *close_or_reset(void *argument) {
    struct peer *peer = argument;

    for (;;) {
        int fd = accept(peer->listener, NULL, NULL);
        int number;
        char hello[16384];
        struct linger reset = {1, 0};

        if (fd < 0) {
            return NULL;
        }
        number = atomic_fetch_add(&peer->connections, 1);
        if (number % WAYS == AFTER_HELLO) {
            CHECK(recv(fd, hello, sizeof hello, 0) > 0);
        }
        if (number % 4 >= WAYS) {
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        }
        close(fd);
    }
}

/* SIGPIPE has its default action, as in most C programs, and would end this one. */
static void sigpipe(void) {
    struct peer peer = {socket(AF_INET, SOCK_STREAM, 0), 0};
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    pthread_t thread;
    char url[64];
    struct settings here = settings;
    dcs_client *made;
    int i;

    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(bind(peer.listener, (struct sockaddr *)&address, sizeof address) == 0);
    CHECK(listen(peer.listener, 128) == 0);
    CHECK(getsockname(peer.listener, (struct sockaddr *)&address, &length) == 0);
    CHECK(pthread_create(&thread, NULL, close_or_reset, &peer) == 0);
    snprintf(url, sizeof url, "https://127.0.0.1:%d/", ntohs(address.sin_port));
    here.url = url;
    dcs = load(path);
    made = client(&dcs, &here);
    for (i = 0; i < 400; i++) {
        dcs_code code = call(&dcs, made, DCS_ERR_CONNECTION_LOST);
        CHECK(code == DCS_ERR_CONNECTION_LOST || code == DCS_ERR_CONNECT);
    }
    dcs.dcs_client_free(made);
    CHECK(atomic_load(&peer.connections) >= 400);
}

/* ---- Threads that end ---- */

static pthread_key_t at_thread_exit_key;
static dcs_client *shared;
static atomic_int exit_calls;

static void note(void *user_data, int32_t level, const char *target, const char *text) {
    (void)user_data;
    (void)level;
    (void)target;
    (void)text;
}

/*
 * Calls the library after the destruction of the thread's own variables, and again after that of the library's.
 */
static void at_thread_exit(void *value) {
    size_t round = (size_t)value;

    CHECK(call(&dcs, shared, DCS_OK) == DCS_OK);
    live(&dcs, &settings);
    diagnose(&dcs, &settings);
    atomic_fetch_add(&exit_calls, 1);
    if (round < 3) {
        pthread_setspecific(at_thread_exit_key, (void *)(round + 1));
    }
}

static void *start_and_exit(void *argument) {
    if (argument != NULL) {
        live(&dcs, &settings);
        diagnose(&dcs, &settings);
    }
    pthread_setspecific(at_thread_exit_key, (void *)1);
    return NULL;
}

static void at_exit(void) {
    CHECK(call(&dcs, shared, DCS_OK) == DCS_OK);
    live(&dcs, &settings);
    diagnose(&dcs, &settings);
}

__attribute__((destructor)) static void at_the_very_end(void) {
    if (shared != NULL) {
        at_exit();
        dcs.dcs_client_free(shared);
    }
}

static void thread_exit(void) {
    pthread_t threads[4];
    size_t i;

    CHECK(pthread_key_create(&at_thread_exit_key, at_thread_exit) == 0);
    dcs = load(path);
    CHECK(dcs.dcs_log_set_level(DCS_LOG_TRACE) == DCS_OK);
    dcs.dcs_log_set_callback(note, NULL);
    shared = client(&dcs, &settings);
    for (i = 0; i < 4; i++) {
        CHECK(pthread_create(&threads[i], NULL, start_and_exit, (void *)(i % 2)) == 0);
    }
    for (i = 0; i < 4; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    CHECK(atomic_load(&exit_calls) == 12);
    CHECK(atexit(at_exit) == 0);
}

/* ---- Unloading ---- */

static pthread_barrier_t used;
static pthread_barrier_t unloaded;

static void *outlive(void *argument) {
    (void)argument;
    live(&dcs, &settings);
    pthread_barrier_wait(&used);
    pthread_barrier_wait(&unloaded);
    /* Now the destructors of the library's thread-local variables run. */
    return NULL;
}

static void unload(void) {
    int i;

    /* The library stays loaded, even if nothing else uses it. */
    dcs = load(path);
    CHECK(dlclose(dcs.handle) == 0);
    CHECK(dlopen(path, RTLD_NOW | RTLD_NOLOAD) != NULL);
    for (i = 0; i < 20; i++) {
        pthread_t threads[4];
        size_t t;

        pthread_barrier_init(&used, NULL, 5);
        pthread_barrier_init(&unloaded, NULL, 5);
        dcs = load(path);
        for (t = 0; t < 4; t++) {
            CHECK(pthread_create(&threads[t], NULL, outlive, NULL) == 0);
        }
        live(&dcs, &settings);
        pthread_barrier_wait(&used);
        CHECK(dlclose(dcs.handle) == 0);
        pthread_barrier_wait(&unloaded);
        for (t = 0; t < 4; t++) {
            CHECK(pthread_join(threads[t], NULL) == 0);
        }
    }
}

/* ---- Two copies ---- */

static void two_copies(void) {
    struct library other = load(more);
    struct library third = take(dlmopen(LM_ID_NEWLM, path, RTLD_NOW | RTLD_LOCAL));
    dcs_client *clients[3];
    dcs_log_record *record = NULL;
    int i;

    dcs = load(path);
    CHECK(dcs.dcs_version != other.dcs_version && dcs.dcs_version != third.dcs_version);
    CHECK(dcs.dcs_log_set_level(DCS_LOG_DEBUG) == DCS_OK);
    clients[0] = client(&dcs, &settings);
    clients[1] = client(&other, &settings);
    clients[2] = client(&third, &settings);
    for (i = 0; i < 5; i++) {
        CHECK(call(&dcs, clients[0], DCS_OK) == DCS_OK);
        CHECK(call(&other, clients[1], DCS_OK) == DCS_OK);
        CHECK(call(&third, clients[2], DCS_OK) == DCS_OK);
    }
    /* Each copy has a log of its own. */
    CHECK(other.dcs_log_next(&record) == DCS_OK && record == NULL);
    CHECK(third.dcs_log_next(&record) == DCS_OK && record == NULL);
    CHECK(dcs.dcs_log_next(&record) == DCS_OK && record != NULL);
    dcs.dcs_log_record_free(record);
    dcs.dcs_client_free(clients[0]);
    CHECK(call(&other, clients[1], DCS_OK) == DCS_OK);
    other.dcs_client_free(clients[1]);
    third.dcs_client_free(clients[2]);
}

/* ---- Small stack ---- */

static dcs_code export_key(void) {
    dcs_buffer *der = NULL;
    dcs_error *error = NULL;
    dcs_code code =
        dcs.dcs_private_key_file_to_pkcs8_der(settings.private_key, settings.password, &der, &error);

    dcs.dcs_buffer_free(der);
    return report_error(&dcs, code, &error, DCS_OK);
}

static void *use_everything(void *argument) {
    dcs_config *config = configure(&dcs, &settings);
    dcs_error *error = NULL;

    (void)argument;
    CHECK(dcs.dcs_config_set_option(config, "proxy", "nonsense", &error) == DCS_ERR_INVALID_ARGUMENT);
    dcs.dcs_error_free(error);
    CHECK(report_error(&dcs, dcs.dcs_config_load_env(config, &error), &error, DCS_OK) == DCS_OK);
    dcs.dcs_config_free(config);
    live(&dcs, &settings);
    CHECK(export_key() == DCS_OK);
    diagnose(&dcs, &settings);
    return NULL;
}

static void small_stack(void) {
    pthread_attr_t attributes;
    pthread_t thread;

    dcs = load(path);
    CHECK(dcs.dcs_log_set_level(DCS_LOG_TRACE) == DCS_OK);
    dcs.dcs_log_set_callback(note, NULL);
    CHECK(pthread_attr_init(&attributes) == 0);
    CHECK(pthread_attr_setstacksize(&attributes, (size_t)atoi(more) * 1024) == 0);
    CHECK(pthread_create(&thread, &attributes, use_everything, NULL) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
}

/* ---- An empty file system ---- */

static char *contents(const char *file, size_t *length) {
    FILE *stream = fopen(file, "rb");
    char *bytes = malloc(1 << 20);

    CHECK(stream != NULL && bytes != NULL);
    *length = fread(bytes, 1, 1 << 20, stream);
    fclose(stream);
    return bytes;
}

static void in_chroot(void) {
    dcs_config *config;
    dcs_client *made = NULL;
    dcs_error *error = NULL;
    dcs_report *report = NULL;
    size_t lengths[3];
    char *bytes[3];

    dcs = load(path);
    config = dcs.dcs_config_new();
    bytes[0] = contents(settings.ca_bundle, &lengths[0]);
    bytes[1] = contents(settings.certificate, &lengths[1]);
    bytes[2] = contents(settings.private_key, &lengths[2]);
    CHECK(dcs.dcs_config_set_url(config, settings.url) == DCS_OK);
    CHECK(dcs.dcs_config_set_ca_bundle(config, (uint8_t *)bytes[0], lengths[0]) == DCS_OK);
    CHECK(dcs.dcs_config_set_certificate(config, (uint8_t *)bytes[1], lengths[1]) == DCS_OK);
    CHECK(dcs.dcs_config_set_private_key(config, (uint8_t *)bytes[2], lengths[2]) == DCS_OK);
    CHECK(chroot(more) == 0 && chdir("/") == 0);
    CHECK(access("/etc", F_OK) != 0 && access("/dev", F_OK) != 0 && access("/proc", F_OK) != 0);

    CHECK(report_error(&dcs, dcs.dcs_client_new(config, &made, &error), &error, DCS_OK) == DCS_OK);
    CHECK(call(&dcs, made, DCS_OK) == DCS_OK);
    CHECK(call(&dcs, made, DCS_OK) == DCS_OK);
    dcs.dcs_client_free(made);
    CHECK(dcs.dcs_diagnose(config, &report, NULL) == DCS_OK);
    CHECK(dcs.dcs_report_ok(report) == 1);
    dcs.dcs_report_free(report);
    /* Without files, a DNS lookup fails. */
    CHECK(dcs.dcs_config_set_url(config, "https://dcs.invalid/") == DCS_OK);
    CHECK(dcs.dcs_client_new(config, &made, NULL) == DCS_OK);
    CHECK(call(&dcs, made, DCS_ERR_RESOLVE) == DCS_ERR_RESOLVE);
    dcs.dcs_client_free(made);
    dcs.dcs_config_free(config);
}

/* ---- No descriptors left ---- */

static void no_descriptors(void) {
    struct rlimit few = {64, 64};
    struct settings by_name = settings;
    dcs_config *config;
    dcs_client *made;
    dcs_client *none = NULL;
    dcs_status_response *response = NULL;
    dcs_error *error = NULL;
    dcs_report *report = NULL;
    int last = -1;
    int fd;
    int i;

    dcs = load(path);
    config = configure(&dcs, &by_name);
    made = client(&dcs, &by_name);
    CHECK(setrlimit(RLIMIT_NOFILE, &few) == 0);
    for (i = 0; i < 3; i++) {
        while ((fd = open("/dev/null", O_RDONLY)) >= 0) {
            last = fd;
        }
        CHECK(errno == EMFILE && last == 63);

        CHECK(dcs.dcs_client_new(config, &none, &error) == DCS_ERR_FILE);
        CHECK(strstr(dcs.dcs_error_message(error), "Too many open files") != NULL);
        CHECK(dcs.dcs_error_os_code(error) == EMFILE);
        dcs.dcs_error_free(error);
        error = NULL;
        CHECK(dcs.dcs_status(made, &response, &error) != DCS_OK);
        CHECK(dcs.dcs_error_code(error) == DCS_ERR_CONNECT || dcs.dcs_error_code(error) == DCS_ERR_RESOLVE);
        if (strstr(dcs.dcs_error_message(error), "Too many open files") == NULL) {
            fprintf(stderr, "%s\n", dcs.dcs_error_message(error));
            exit(1);
        }
        CHECK(dcs.dcs_error_os_code(error) == EMFILE);
        dcs.dcs_error_free(error);
        error = NULL;
        CHECK(dcs.dcs_diagnose(config, &report, NULL) == DCS_OK);
        CHECK(dcs.dcs_report_ok(report) == 0);
        CHECK(strstr(dcs.dcs_report_text(report), "Too many open files") != NULL);
        dcs.dcs_report_free(report);

        for (fd = 3; fd < 64; fd++) {
            struct stat about;
            if (fstat(fd, &about) == 0 && S_ISCHR(about.st_mode)) {
                close(fd);
            }
        }
        CHECK(call(&dcs, made, DCS_OK) == DCS_OK);
    }
    dcs.dcs_client_free(made);
    dcs.dcs_config_free(config);
    live(&dcs, &settings);
}

/* ---- Everything once, for a preloaded library to observe ---- */

static void everything(void) {
    dcs = load(path);
    use_everything(NULL);
    live(&dcs, &settings);
}

/* ---- No standard streams ---- */

/* The library's descriptors get the numbers of the closed standard streams, to which nothing may be printed. */
static void closed_output(void) {
    close(0);
    close(1);
    close(2);
    dcs = load(path);
    use_everything(NULL);
}

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        void (*run)(void);
    } ALL[] = {
        {"signals", signals},           {"sigpipe", sigpipe},
        {"thread_exit", thread_exit},   {"unload", unload},
        {"two_copies", two_copies},     {"small_stack", small_stack},
        {"chroot", in_chroot},          {"no_descriptors", no_descriptors},
        {"everything", everything},     {"closed_output", closed_output},
    };
    size_t i;

    CHECK(argc >= 8);
    path = argv[2];
    settings.url = argv[3];
    settings.ca_bundle = argv[4];
    settings.certificate = argv[5];
    settings.private_key = argv[6];
    settings.other_ca_bundle = argv[7];
    settings.password = argc > 8 && argv[8][0] != '\0' ? argv[8] : NULL;
    more = argc > 9 ? argv[9] : NULL;
    alarm(WATCHDOG_SECONDS);
    for (i = 0; i < sizeof ALL / sizeof ALL[0]; i++) {
        if (strcmp(ALL[i].name, argv[1]) == 0) {
            ALL[i].run();
            return 0;
        }
    }
    fprintf(stderr, "There is no test %s.\n", argv[1]);
    return 2;
}
