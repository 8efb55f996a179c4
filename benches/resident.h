/* Resident memory of the process. */

#ifndef RESIDENT_H
#define RESIDENT_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Returns the resident bytes, from Linux's /proc. */
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
