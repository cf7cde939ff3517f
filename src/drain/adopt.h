/* adopt.h -- finds the spools of dead processes that were meant for our store, and empties them.
 *
 *     event  ->  policy  ->  spool  ->  [drain]  ->  store
 *
 * A lock decides whether a process is dead, and the destination in its files decides whose spool it is: two services
 * with different stores may share a spool directory. One is taken over at a time; when all its events are stored its
 * files go, and what was found is told.
 *
 * Thread: one owner.
 * Memory: owns what it took over.
 * Errors: a spool that cannot be read now is passed over and tried again at the next scan.
 * Crash:  the files go only after the commit that covers them; whoever comes next starts at the store's last_seq.
 */
#ifndef TRAIL_DRAIN_ADOPT_H
#define TRAIL_DRAIN_ADOPT_H

#include "drain/stream.h"
#include "spool/remains.h"

/* The first five are set by the owner; the rest starts as zero. */
struct adopt {
    const char         *spool_dir; /* Borrowed. */
    struct uuid         own;       /* Our writer: not to be taken over. */
    struct uuid         url_hash;  /* Of our store's URL. */
    const struct clock *clock;
    size_t              value_bytes_max; /* AUDIT_TRAIL_MAX_VALUE_BYTES. */
    DIR                *list;            /* Scan in progress. */
    struct remains      remains;         /* Being emptied, when `taken`. */
    struct stream       stream;
    bool                taken;
    uint64_t            events; /* Stored from it so far. */
    uint64_t            gaps;
};

/* What was found in a spool that is now empty and gone. */
struct adopt_report {
    struct spool_identity identity;
    uint64_t              events;
    uint64_t              gaps;
    uint64_t              quarantined;
    bool                  other_boot; /* The system was restarted since: the page cache was lost. */
};

void adopt_done(struct adopt *adopt);

/* In a forked child: close and unmap what the parent was emptying, without unlocking; free nothing. A child that kept
 * the descriptor would keep the lock, and nobody could take the spool over when the parent dies. */
void adopt_abandon(struct adopt *adopt);

/* Look through the spool directory again from the start. */
void adopt_scan(struct adopt *adopt);

enum adopt_result {
    ADOPT_IDLE,     /* There is nothing (more) to do. */
    ADOPT_WORKING,  /* Call again. */
    ADOPT_FINISHED, /* One was emptied; *ret_report is set. Call again. */
    ADOPT_FAILED    /* The store is away (or worse); *ret_error is set. Call again later. */
};

/* Do a bit of work: find the next dead spool, or store one batch of it. */
TRAIL_MUST_CHECK enum adopt_result adopt_step(struct adopt *adopt, struct store *store, struct adopt_report *ret_report,
                                              struct trail_error *ret_error);

/* How many spools of dead processes wait for our store, once nothing is taken. Changes nothing. `store`: its identity;
 * all zero when it was never reached, and then only those are found whose owners never reached it either. */
size_t adopt_count_left(const struct adopt *adopt, const struct uuid *store);

#endif
