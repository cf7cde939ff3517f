/* cleanup.h -- removes what is older than the retention period, one short transaction at a time.
 *
 *     event  ->  policy  ->  spool  ->  drain  ->  [store]
 *
 * A run is claimed, stepped until it is finished, and ended. Who leads is decided by a transaction: the claim inserts
 * the newest row of audit_cleanups, and every step checks, in the transaction in which it deletes, that its row still
 * is the newest. So a run whose process died blocks nobody, and one that was only slow stops by itself when another
 * took its place. What a back-end does in a step is its own affair: rows in batches, whole days as partitions.
 *
 * Thread: as the store. A run is not bound to a connection: it goes on with the next one when its own was closed.
 * Memory: begin allocates the run, store_cleanup_free() frees it, whatever became of it. The request's texts are
 *         borrowed for the call, may_live and its context until the run is freed.
 * Errors: as store.h; a step that fails changed nothing and may be tried again.
 * Crash:  each step is whole or not there. The run that comes next takes up what a dead one left.
 */
#ifndef TRAIL_STORE_CLEANUP_H
#define TRAIL_STORE_CLEANUP_H

#include "store/store.h"

/* A clock may be set back by so much without anything being wrong with it. */
#define CLEANUP_CLOCK_SLACK_US (INT64_C(60) * 1000000)

/* A run that has not moved for so long may be replaced, however short the interval. */
#define CLEANUP_QUIET_US (INT64_C(60) * 1000000)

#define CLEANUP_REASON_SIZE 200

struct store_cleanup;

struct store_cleanup_request {
    int64_t           now_us;  /* By the wall clock. */
    int64_t           boot_us; /* Since `boot`, sleep included. */
    struct uuid       boot;
    int64_t           cut_off_us;   /* Events before it go. */
    int64_t           interval_us;  /* A younger run of anybody's is enough; 0: run whatever others do. */
    uint64_t          rows_max;     /* Of one transaction. */
    bool              accept_clock; /* Somebody has looked at the clock and says it is right. */
    struct trail_text service;
    struct trail_text host;
    int64_t           pid;
    /* May this writer of our host still have events to store? */
    bool (*may_live)(void *context, const struct uuid *writer, int64_t pid);
    void *context;
};

enum cleanup_verdict {
    CLEANUP_CLAIMED,      /* Ours: step it. */
    CLEANUP_NOT_DUE,      /* Somebody did it, or is at it. */
    CLEANUP_REFUSED,      /* The clock cannot be right. This is now on record. */
    CLEANUP_STILL_REFUSED /* It was refused before, and nobody has accepted the clock since. */
};

struct cleanup_answer {
    enum cleanup_verdict verdict;
    int64_t              wait_us;                     /* NOT_DUE: for so long at least. */
    char                 reason[CLEANUP_REASON_SIZE]; /* REFUSED, STILL_REFUSED: why. */
};

/* What the store remembers, for the verdict. */
struct cleanup_past {
    bool        any;        /* There was a run; the rest up to `refused` is about the newest. */
    bool        finished;   /* It ended in order. */
    int64_t     started_us; /* By the wall clock. */
    int64_t     active_us;  /* Likewise: its last step. */
    struct uuid boot;
    int64_t     boot_us;
    char        refused[CLEANUP_REASON_SIZE];
    bool        any_batch;
    int64_t     batch_us; /* When the newest batch was recorded. */
    int64_t     store_us; /* The database's own clock; 0: it has none. */
};

/* May this run begin? The same for every back-end, which asks inside the transaction that claims. */
void cleanup_judge(const struct cleanup_past *past, const struct store_cleanup_request *request,
                   struct cleanup_answer *ret_answer);

/* What was removed, by a step or by all of a run. */
struct cleanup_work {
    uint64_t events;
    uint64_t batches; /* Transactions that deleted events. */
    uint64_t partitions;
    uint64_t dead_letters;
    uint64_t references;
    uint64_t ledger_rows;
    uint64_t writers;
};

struct cleanup_step {
    struct cleanup_work work;
    const char         *phase;         /* What it was at: "events", "references", ... */
    bool                finished;      /* There is nothing more to do. */
    bool                superseded;    /* Somebody else's run took the place of this one; this step did nothing. */
    bool                cannot_shrink; /* Deleted space is used again, but the file keeps its size. */
};

/* Claim a run. *ret_cleanup is set when the answer is CLEANUP_CLAIMED. */
TRAIL_MUST_CHECK enum trail_err store_cleanup_begin(struct store *store, const struct store_cleanup_request *request,
                                                    struct cleanup_answer *ret_answer,
                                                    struct store_cleanup **ret_cleanup, struct trail_error *ret_error);

/* Do a bit of it: at most one transaction, of at most rows_max rows. It gives up with TRAIL_EAWAY when the store's
 * `interrupted` becomes true. elapsed_us: since the run began. */
TRAIL_MUST_CHECK enum trail_err store_cleanup_step(struct store *store, struct store_cleanup *cleanup,
                                                   int64_t elapsed_us, struct cleanup_step *ret_step,
                                                   struct trail_error *ret_error);

/* Write down that the run is over. */
TRAIL_MUST_CHECK enum trail_err store_cleanup_end(struct store *store, struct store_cleanup *cleanup, int64_t now_us,
                                                  int64_t elapsed_us, struct trail_error *ret_error);

/* Without a store: the connection may be gone. NULL does nothing. */
void store_cleanup_free(struct store_cleanup *cleanup);

/* What a run would remove. */
struct cleanup_forecast {
    struct cleanup_work work;      /* `writers` are those that nothing in the store keeps; their spools are not seen. */
    int64_t             oldest_us; /* Of the events that would go; both 0 when none would. */
    int64_t             newest_us;
    char                refused[CLEANUP_REASON_SIZE]; /* Not empty: the last run was refused, and the next will be. */
};

/* Count it and change nothing; a store that was opened for reading will do. */
TRAIL_MUST_CHECK enum trail_err store_cleanup_forecast(struct store *store, int64_t cut_off_us, struct trail_text host,
                                                       struct cleanup_forecast *ret_forecast,
                                                       struct trail_error      *ret_error);

#endif
