/*
 * Defines malloc and its kin in front of the C library's, so that what Rust and what aws-lc's C code take are counted
 * alike, and reads what else a process holds. Bytes are those that the allocator hands out (malloc_usable_size), not those
 * asked for. Included once by a program, which is compiled with -fno-builtin.
 */

#ifndef HELD_H
#define HELD_H

#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *memory);

static atomic_long live, peak, blocks, taken;

static void *add(void *memory) {
    if (memory != NULL) {
        long size = (long)malloc_usable_size(memory);
        long now = atomic_fetch_add(&live, size) + size;
        long highest = atomic_load(&peak);
        while (now > highest && !atomic_compare_exchange_weak(&peak, &highest, now)) {
        }
        atomic_fetch_add(&blocks, 1);
        atomic_fetch_add(&taken, 1);
    }
    return memory;
}

static void take_away(size_t size) {
    atomic_fetch_sub(&live, (long)size);
    atomic_fetch_sub(&blocks, 1);
}

void *malloc(size_t size) { return add(__libc_malloc(size)); }
void *calloc(size_t count, size_t size) { return add(__libc_calloc(count, size)); }
void *memalign(size_t alignment, size_t size) { return add(__libc_memalign(alignment, size)); }
void *aligned_alloc(size_t alignment, size_t size) { return add(__libc_memalign(alignment, size)); }

int posix_memalign(void **memory, size_t alignment, size_t size) {
    void *made = add(__libc_memalign(alignment, size));
    if (made == NULL) {
        return ENOMEM;
    }
    *memory = made;
    return 0;
}

void *realloc(void *memory, size_t size) {
    size_t before = memory != NULL ? malloc_usable_size(memory) : 0;
    void *made = __libc_realloc(memory, size);
    if (memory != NULL && (made != NULL || size == 0)) {
        take_away(before);
    }
    return add(made);
}

void free(void *memory) {
    if (memory != NULL) {
        take_away(malloc_usable_size(memory));
        __libc_free(memory);
    }
}

/* Resident memory, from Linux's /proc; without the heap's help. */
static long resident(void) {
    char text[64];
    long size = 0, pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fgets(text, sizeof text, file) == NULL || sscanf(text, "%ld %ld", &size, &pages) != 2) {
        fprintf(stderr, "/proc/self/statm cannot be read\n");
        exit(1);
    }
    fclose(file);
    return pages * sysconf(_SC_PAGESIZE);
}

#endif
