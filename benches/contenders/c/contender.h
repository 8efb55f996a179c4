/* The functions of a contender in C. contender.c calls them for the protocol of benches/README.md. */

#ifndef CONTENDER_H
#define CONTENDER_H

struct arguments {
    const char *url;
    const char *ca_bundle;
    const char *chain;
    const char *key;
    const char *variant;
};

/* Ends the program with a message. */
void fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* Sets up the state that all threads share. Called once, first. */
void contender_start(const struct arguments *arguments);

/* Returns the state that one thread keeps between calls and runs; may be NULL. */
void *contender_worker(void);

/* Makes and checks one call; ends the program if it fails. */
void contender_call(void *worker);

/* Prints a line of JSON with the versions of the contender's libraries. */
void contender_versions(void);

#endif
