/*
 * Searches all of its own memory for secrets after each step of a client's life, and prints "STEP NAME=COUNT" for
 * tests/integration/secrets.rs.
 *
 *     secrets URL CA_BUNDLE CERTIFICATE PRIVATE_KEY (file | bytes | environment) PASSWORD NAME:PATTERN...
 *
 * This program itself never holds a secret: the password and the patterns are hexadecimal with every byte masked, and it
 * wipes the bytes of a file after passing them to the library. "environment" is for the key; the certificate is then bytes.
 */

#define _GNU_SOURCE

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <dcs.h>

enum { MASK = 0x5a, MAX_PATTERNS = 16, MAX_LENGTH = 128, MAX_RANGES = 512 };

struct pattern {
    const char *name;
    unsigned char masked[MAX_LENGTH];
    size_t length;
};

struct range {
    uintptr_t from;
    uintptr_t to;
};

static struct pattern patterns[MAX_PATTERNS];
static int pattern_count;

static size_t unhex(const char *hex, unsigned char *bytes) {
    size_t length = 0;
    unsigned int byte;

    while (length < MAX_LENGTH && sscanf(hex, "%2x", &byte) == 1) {
        bytes[length++] = (unsigned char)byte;
        hex += 2;
    }
    return length;
}

/* Finds the readable and writable ranges: the heap, the stacks, the static data. */
static int ranges(struct range *found) {
    char line[512];
    FILE *maps = fopen("/proc/self/maps", "r");
    int count = 0;

    while (maps != NULL && count < MAX_RANGES && fgets(line, sizeof line, maps) != NULL) {
        unsigned long from;
        unsigned long to;
        char rights[8];

        if (sscanf(line, "%lx-%lx %7s", &from, &to, rights) == 3 && rights[0] == 'r' && rights[1] == 'w') {
            found[count].from = from;
            found[count].to = to;
            count++;
        }
    }
    if (maps != NULL) {
        fclose(maps);
    }
    return count;
}

static long count_in(const struct range *range, const struct pattern *pattern) {
    const volatile unsigned char *at = (const volatile unsigned char *)range->from;
    const volatile unsigned char *end = (const volatile unsigned char *)range->to;
    long count = 0;

    for (; at + pattern->length <= end; at++) {
        size_t i = 0;

        while (i < pattern->length && (at[i] ^ MASK) == pattern->masked[i]) {
            i++;
        }
        count += i == pattern->length;
    }
    return count;
}

static void search(const char *step) {
    static struct range all[MAX_RANGES];
    int count = ranges(all);
    int p;
    int r;

    for (p = 0; p < pattern_count; p++) {
        long found = 0;

        for (r = 0; r < count; r++) {
            found += count_in(&all[r], &patterns[p]);
        }
        printf("%s %s=%ld\n", step, patterns[p].name, found);
    }
}

typedef dcs_code set_bytes(dcs_config *, const uint8_t *, size_t);
typedef dcs_code set_file(dcs_config *, const char *);

/* Reads a file without the C library's buffers, which are not wiped. */
static uint8_t *read_file(const char *path, size_t *length) {
    int fd = open(path, O_RDONLY);
    struct stat status;
    uint8_t *bytes = NULL;

    if (fd >= 0 && fstat(fd, &status) == 0) {
        *length = (size_t)status.st_size;
        bytes = calloc(*length + 1, 1);
        if (bytes != NULL && read(fd, bytes, *length) != (ssize_t)*length) {
            free(bytes);
            bytes = NULL;
        }
    }
    if (fd >= 0) {
        close(fd);
    }
    return bytes;
}

static dcs_code set(dcs_config *config, const char *path, int as_bytes, set_file *file, set_bytes *bytes) {
    size_t length = 0;
    uint8_t *content;
    dcs_code code;

    if (!as_bytes) {
        return file(config, path);
    }
    content = read_file(path, &length);
    if (content == NULL) {
        return DCS_ERR_FILE;
    }
    code = bytes(config, content, length);
    explicit_bzero(content, length);
    free(content);
    return code;
}

/* Passes a file's content, which is text, in the environment. */
static dcs_code set_in_environment(dcs_config *config, const char *path) {
    static const char name[] = "DCS_PRIVATE_KEY";
    size_t length = 0;
    uint8_t *content = read_file(path, &length);
    dcs_code code;

    if (content == NULL || setenv(name, (const char *)content, 1) != 0) {
        return DCS_ERR_FILE;
    }
    explicit_bzero(content, length);
    free(content);
    code = dcs_config_load_env(config, NULL);
    explicit_bzero(getenv(name), length);
    unsetenv(name);
    return code;
}

static int call(const dcs_client *client) {
    dcs_status_response *status = NULL;
    dcs_error *error = NULL;
    dcs_code code = dcs_status(client, &status, &error);

    if (code != DCS_OK) {
        fprintf(stderr, "%s\n", dcs_error_message(error));
    }
    dcs_status_response_free(status);
    dcs_error_free(error);
    return code == DCS_OK;
}

/* The password, unmasked for one call. */
static char password[MAX_LENGTH + 1];

static const char *unmasked(const char *hex) {
    size_t length = unhex(hex, (unsigned char *)password);
    size_t i;

    for (i = 0; i < length; i++) {
        password[i] = (char)(password[i] ^ MASK);
    }
    password[length] = '\0';
    return length == 0 ? NULL : password;
}

static int export_key(const char *path, const char *hex) {
    size_t length = 0;
    uint8_t *key = read_file(path, &length);
    dcs_buffer *der = NULL;
    dcs_code code = DCS_ERR_FILE;

    if (key != NULL) {
        code = dcs_private_key_to_pkcs8_der(key, length, unmasked(hex), &der, NULL);
        explicit_bzero(key, length);
        explicit_bzero(password, sizeof password);
        free(key);
    }
    search("exported");
    dcs_buffer_free(der);
    return code == DCS_OK;
}

int main(int argc, char **argv) {
    dcs_config *config = dcs_config_new();
    dcs_client *client = NULL;
    dcs_error *error = NULL;
    int as_bytes;
    int in_environment;
    int i;

    if (argc < 8) {
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    as_bytes = strcmp(argv[5], "file") != 0;
    in_environment = strcmp(argv[5], "environment") == 0;
    for (i = 7; i < argc && pattern_count < MAX_PATTERNS; i++) {
        struct pattern *pattern = &patterns[pattern_count++];
        char *colon = strchr(argv[i], ':');

        *colon = '\0';
        pattern->name = argv[i];
        pattern->length = unhex(colon + 1, pattern->masked);
    }
    search("start");

    if (dcs_config_set_url(config, argv[1]) != DCS_OK ||
        dcs_config_set_ca_bundle_file(config, argv[2]) != DCS_OK ||
        set(config, argv[3], as_bytes, dcs_config_set_certificate_file, dcs_config_set_certificate) != DCS_OK ||
        (in_environment
             ? set_in_environment(config, argv[4])
             : set(config, argv[4], as_bytes, dcs_config_set_private_key_file, dcs_config_set_private_key)) != DCS_OK ||
        dcs_config_set_private_key_password(config, unmasked(argv[6])) != DCS_OK) {
        return 2;
    }
    explicit_bzero(password, sizeof password);
    search("configured");
    if (dcs_client_new(config, &client, &error) != DCS_OK) {
        fprintf(stderr, "%s\n", dcs_error_message(error));
        return 1;
    }
    dcs_config_free(config);
    search("made");
    if (!call(client) || !call(client)) {
        return 1;
    }
    search("called");
    dcs_client_free(client);
    search("freed");
    if (!export_key(argv[4], argv[6])) {
        return 1;
    }
    search("end");
    return 0;
}
