/* recorder.h -- offers lines of JSON to a trail as a file can be offered: waiting where a service would be refused.
 *
 * A line in error is told and counted, the next one goes on. A full spool is waited for until the drain has
 * made room. A store that takes nothing for the whole timeout stops the recorder, as does a fault that every
 * further line would meet. What was accepted until then is safe in the spool.
 *
 * Thread: the main thread.
 * Memory: borrows the trail and the texts; owns nothing.
 * Errors: recorder->stop says why no further line is wanted.
 */
#ifndef AUDITTRAIL_CLI_RECORDER_H
#define AUDITTRAIL_CLI_RECORDER_H

#include "audittrail.h"
#include "cli/notices.h"
#include "cli/progress.h"

enum recorder_stop {
    RECORDER_GOES_ON,
    RECORDER_STRICT,      /* A line was in error, and one is enough. */
    RECORDER_INTERRUPTED, /* A signal. */
    RECORDER_AWAY,        /* The store took nothing for the whole timeout. */
    RECORDER_BROKEN       /* The trail, a file or the disk does not work. */
};

struct recorder {
    struct trail      *trail;
    struct notices     notices;
    struct progress    progress;           /* All zero: none is shown. */
    uint64_t           bytes;              /* Of the files, up to the line in hand. */
    const char        *file;               /* Named in front of a line in error; NULL: standard input. */
    uint64_t           errors_printed_max; /* Lines in error that are printed; the rest are counted. */
    unsigned           timeout_s;
    bool               strict;
    enum recorder_stop stop;
    uint64_t           lines; /* recorded + refused + dropped + rejected. */
    uint64_t           recorded;
    uint64_t           refused; /* By the policy. */
    uint64_t           dropped;
    uint64_t           rejected;
};

/* Offer line `number` of the file. */
void recorder_line(struct recorder *recorder, uint64_t number, struct trail_text line);

/* Print what the trail had to say meanwhile. */
void recorder_print_notices(struct recorder *recorder);

/* Count and tell a line that is too long to be looked at. */
void recorder_long_line(struct recorder *recorder, uint64_t number);

/* Wait until everything that was accepted is stored. False: no progress for the whole timeout, more signals
 * than `signals_ignored`, or a store that this version must not write to. */
bool recorder_wait_stored(struct recorder *recorder, int signals_ignored);

#endif
