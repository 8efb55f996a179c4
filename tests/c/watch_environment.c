/* Preloaded (LD_PRELOAD): writes the names of the variables that a process reads to the file that WATCH names. */

#define _GNU_SOURCE

#include <dlfcn.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

/* Reads WATCH without getenv. */
static const char *file(void) {
    static const char NAME[] = "WATCH=";
    char **entry;

    for (entry = environ; entry != NULL && *entry != NULL; entry++) {
        if (strncmp(*entry, NAME, sizeof NAME - 1) == 0) {
            return *entry + sizeof NAME - 1;
        }
    }
    return NULL;
}

static void note(const char *name) {
    const char *path = file();
    int fd = path != NULL ? open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600) : -1;

    if (fd >= 0) {
        if (write(fd, name, strlen(name)) < 0 || write(fd, "\n", 1) < 0) {
            _exit(99);
        }
        close(fd);
    }
}

static char *find(const char *name) {
    size_t length = strlen(name);
    char **entry;

    for (entry = environ; entry != NULL && *entry != NULL; entry++) {
        if (strncmp(*entry, name, length) == 0 && (*entry)[length] == '=') {
            return *entry + length + 1;
        }
    }
    return NULL;
}

char *getenv(const char *name) {
    note(name);
    return find(name);
}

char *secure_getenv(const char *name) {
    note(name);
    return find(name);
}
