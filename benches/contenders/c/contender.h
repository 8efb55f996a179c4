/* What a contender in C gives to the protocol of benches/README.md, which contender.c speaks. */

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

/* Sets up what all threads share. Called once, before all else. */
void contender_start(const struct arguments *arguments);

/* What one thread keeps from call to call, and from run to run; may be NULL. */
void *contender_worker(void);

/* One call, checked; ends the program where it fails. */
void contender_call(void *worker);

/* Writes a line of JSON with the versions of what the contender is made of. */
void contender_versions(void);

#endif
