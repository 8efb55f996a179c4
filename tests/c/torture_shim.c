/*
 * Preloaded (LD_PRELOAD): makes the n-th call of a function fail, as torture.c requests. Counts the calls of all threads
 * while it is armed.
 */

#define _GNU_SOURCE

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static const char *_Atomic wanted;
static atomic_long countdown;
static atomic_int persistent;
static atomic_int number;
static atomic_long hits;
/* Writes to a socket that could have raised SIGPIPE. */
static atomic_long unsafe_writes;

void torture_arm(const char *function, long n, int error, int from_then_on);
long torture_disarm(void);
long torture_unsafe_writes(void);

void torture_arm(const char *function, long n, int error, int from_then_on) {
    atomic_store(&hits, 0);
    atomic_store(&number, error);
    atomic_store(&countdown, n);
    atomic_store(&persistent, from_then_on);
    atomic_store(&wanted, function);
}

/* Returns how many calls failed. */
long torture_disarm(void) {
    atomic_store(&wanted, NULL);
    return atomic_load(&hits);
}

long torture_unsafe_writes(void) {
    return atomic_load(&unsafe_writes);
}

/* Returns whether this call must fail, and sets errno if so. */
static int fails(const char *function) {
    const char *now = atomic_load(&wanted);
    long left;

    if (now == NULL || strcmp(now, function) != 0) {
        return 0;
    }
    left = atomic_fetch_sub(&countdown, 1);
    if (left != 1 && (left > 1 || !atomic_load(&persistent))) {
        return 0;
    }
    atomic_fetch_add(&hits, 1);
    errno = atomic_load(&number);
    return 1;
}

#define REAL(name) \
    static __typeof__(name) *real; \
    if (real == NULL) { \
        *(void **)&real = dlsym(RTLD_NEXT, #name); \
    }

int socket(int domain, int type, int protocol) {
    REAL(socket)
    return fails("socket") ? -1 : real(domain, type, protocol);
}

int connect(int fd, const struct sockaddr *address, socklen_t length) {
    const char *now = atomic_load(&wanted);
    int is_interrupted = now != NULL && (strcmp(now, "poll") == 0 || strcmp(now, "getsockopt") == 0);
    REAL(connect)
    if (is_interrupted || fails("connect")) {
        /* An interrupted connect continues by itself. */
        if (is_interrupted || errno == EINTR) {
            real(fd, address, length);
            errno = EINTR;
        }
        return -1;
    }
    return real(fd, address, length);
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t length) {
    REAL(setsockopt)
    return fails("setsockopt") ? -1 : real(fd, level, name, value, length);
}

int getsockopt(int fd, int level, int name, void *value, socklen_t *length) {
    REAL(getsockopt)
    return fails("getsockopt") ? -1 : real(fd, level, name, value, length);
}

ssize_t send(int fd, const void *bytes, size_t length, int flags) {
    REAL(send)
    if ((flags & MSG_NOSIGNAL) == 0) {
        atomic_fetch_add(&unsafe_writes, 1);
    }
    if (fails("send")) {
        int error = errno;
        /* The peer is gone, so there is nothing more to read. */
        if (error == ECONNRESET || error == EPIPE) {
            shutdown(fd, SHUT_RDWR);
        }
        errno = error;
        return -1;
    }
    /* Sends one byte, as if there were no room for more. */
    return real(fd, bytes, length > 1 && fails("send_short") ? 1 : length, flags);
}

static void note_write(int fd) {
    struct stat about;

    if (fstat(fd, &about) == 0 && S_ISSOCK(about.st_mode)) {
        atomic_fetch_add(&unsafe_writes, 1);
    }
}

ssize_t write(int fd, const void *bytes, size_t length) {
    REAL(write)
    note_write(fd);
    return real(fd, bytes, length);
}

struct iovec;
ssize_t writev(int fd, const struct iovec *parts, int count);
ssize_t writev(int fd, const struct iovec *parts, int count) {
    REAL(writev)
    note_write(fd);
    return real(fd, parts, count);
}

ssize_t recv(int fd, void *bytes, size_t length, int flags) {
    REAL(recv)
    if (fails("recv")) {
        return -1;
    }
    if (fails("recv_end")) {
        return 0;
    }
    return real(fd, bytes, length > 1 && fails("recv_short") ? 1 : length, flags);
}

int poll(struct pollfd *all, nfds_t count, int timeout) {
    REAL(poll)
    return fails("poll") ? -1 : real(all, count, timeout);
}

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        va_list more; \
        mode_t mode; \
        REAL(name) \
        va_start(more, flags); \
        mode = (flags & O_CREAT) != 0 ? va_arg(more, mode_t) : 0; \
        va_end(more); \
        return fails("open") ? -1 : real(path, flags, mode); \
    }
OPEN(open)
OPEN(open64)

int fstat64(int fd, struct stat64 *about) {
    REAL(fstat64)
    return fails("fstat") ? -1 : real(fd, about);
}

int statx(int folder, const char *restrict path, int flags, unsigned int mask, struct statx *restrict about) {
    REAL(statx)
    return fails("statx") ? -1 : real(folder, path, flags, mask, about);
}

int stat64(const char *restrict path, struct stat64 *restrict about) {
    REAL(stat64)
    return fails("stat") ? -1 : real(path, about);
}

ssize_t read(int fd, void *bytes, size_t length) {
    REAL(read)
    if (fails("read")) {
        return -1;
    }
    if (fails("read_end")) {
        return 0;
    }
    return real(fd, bytes, length > 1 && fails("read_short") ? 1 : length);
}

off64_t lseek64(int fd, off64_t offset, int whence) {
    REAL(lseek64)
    return fails("lseek") ? -1 : real(fd, offset, whence);
}

/* As in the kernel, the descriptor is closed even if close fails. */
int close(int fd) {
    int result;
    REAL(close)
    result = real(fd);
    return fails("close") ? -1 : result;
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument) {
    REAL(pthread_create)
    return fails("pthread_create") ? errno : real(thread, attributes, run, argument);
}

/* The error is an EAI_ code. */
int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
    REAL(getaddrinfo)
    if (fails("getaddrinfo")) {
        int code = errno;
        errno = EMFILE;
        return code;
    }
    return real(host, service, hints, found);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    REAL(clock_gettime)
    return fails("clock_gettime") ? -1 : real(clock, now);
}

void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset) {
    REAL(mmap)
    return fails("mmap") ? MAP_FAILED : real(address, length, protection, flags, fd, offset);
}

void *mmap64(void *address, size_t length, int protection, int flags, int fd, off64_t offset) {
    REAL(mmap64)
    return fails("mmap") ? MAP_FAILED : real(address, length, protection, flags, fd, offset);
}

ssize_t getrandom(void *bytes, size_t length, unsigned int flags) {
    REAL(getrandom)
    return fails("getrandom") ? -1 : real(bytes, length, flags);
}

/* aws-lc requests random bytes this way. */
long syscall(long which, ...) {
    va_list more;
    long arguments[6];
    int i;
    static long (*real)(long, ...);

    if (real == NULL) {
        *(void **)&real = dlsym(RTLD_NEXT, "syscall");
    }
    va_start(more, which);
    for (i = 0; i < 6; i++) {
        arguments[i] = va_arg(more, long);
    }
    va_end(more);
    if (which == SYS_getrandom && fails("getrandom")) {
        return -1;
    }
    return real(which, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5]);
}

/*
 * aws-lc allocates with these functions if a program defines them. So its allocations can fail without those of Rust,
 * which end the process.
 */
void *OPENSSL_memory_alloc(size_t size);
void OPENSSL_memory_free(void *memory);
size_t OPENSSL_memory_get_size(void *memory);
void *OPENSSL_memory_realloc(void *memory, size_t size);

void *OPENSSL_memory_alloc(size_t size) {
    return fails("aws_lc_malloc") ? NULL : malloc(size);
}

void OPENSSL_memory_free(void *memory) {
    if (memory != NULL) {
        explicit_bzero(memory, malloc_usable_size(memory));
    }
    free(memory);
}

size_t OPENSSL_memory_get_size(void *memory) {
    return memory == NULL ? 0 : malloc_usable_size(memory);
}

void *OPENSSL_memory_realloc(void *memory, size_t size) {
    return fails("aws_lc_malloc") ? NULL : realloc(memory, size);
}
