/*
 * Counts the heap of a program, of which one source file includes this.
 *
 * Defines malloc and its relatives in front of the C library's, so that allocations of Rust and of aws-lc's C code both
 * count. Bytes are those that the allocator returns (malloc_usable_size), not those requested.
 */

#ifndef HEAP_H
#define HEAP_H

#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stddef.h>

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

static void subtract(size_t size) {
    atomic_fetch_sub(&live, (long)size);
    atomic_fetch_sub(&blocks, 1);
}

void *malloc(size_t size) { return add(__libc_malloc(size)); }
void *calloc(size_t count, size_t size) { return add(__libc_calloc(count, size)); }
void *memalign(size_t alignment, size_t size) { return add(__libc_memalign(alignment, size)); }
void *aligned_alloc(size_t alignment, size_t size) { return add(__libc_memalign(alignment, size)); }

int posix_memalign(void **memory, size_t alignment, size_t size) {
    void *added = add(__libc_memalign(alignment, size));
    if (added == NULL) {
        return ENOMEM;
    }
    *memory = added;
    return 0;
}

void *realloc(void *memory, size_t size) {
    size_t before = memory != NULL ? malloc_usable_size(memory) : 0;
    void *moved = __libc_realloc(memory, size);
    if (memory != NULL && (moved != NULL || size == 0)) {
        subtract(before);
    }
    return add(moved);
}

void free(void *memory) {
    if (memory != NULL) {
        subtract(malloc_usable_size(memory));
        __libc_free(memory);
    }
}

#endif
