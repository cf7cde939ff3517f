/* notices.h -- keeps what the library's threads have to say until the main thread prints it.
 *
 * on_notice must not block, and a terminal may; so notices are kept and printed between two steps of the
 * command. The same sentence is printed once, however often it is said.
 *
 * Thread: notices_take() from any thread; the rest from the main thread.
 * Memory: a fixed number of sentences; what does not fit is counted.
 * Errors: none.
 */
#ifndef AUDITTRAIL_CLI_NOTICES_H
#define AUDITTRAIL_CLI_NOTICES_H

#include <pthread.h>

#include "audittrail.h"

#define NOTICES_MAX 32

struct notices {
    pthread_mutex_t    lock;
    struct trail_error kept[NOTICES_MAX];
    size_t             kept_count;
    size_t             printed_count;
    uint64_t           unkept_count; /* Other sentences that found no room. */
};

#define NOTICES_INIT                      \
    {                                     \
        .lock = PTHREAD_MUTEX_INITIALIZER \
    }

/* A trail_notice_fn; `context` is a struct notices. */
void notices_take(void *context, const struct trail_error *notice);

/* Whether notices_print() would print anything. */
bool notices_are_new(struct notices *notices);

/* Print what is new on stderr, as "audittrail <command>: <sentence>". */
void notices_print(struct notices *notices, const char *command);

/* True when a notice with this code came. */
bool notices_have(struct notices *notices, enum trail_err code);

#endif
