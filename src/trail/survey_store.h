/* survey_store.h -- what the store itself can tell an operator: how much comes in, the last flush, the last clean-up.
 *
 *     event  ->  policy  ->  spool  ->  drain  ->  [store]
 *
 * Everything comes from tables that have one row per transaction or fewer (ledger, clean-ups, dead letters), so that
 * looking costs a store of a billion events no more than a small one.
 *
 * Thread: as the store.
 * Memory: a plain value.
 * Errors: those of store_select(); *ret_numbers is then untouched.
 */
#ifndef TRAIL_TRAIL_SURVEY_STORE_H
#define TRAIL_TRAIL_SURVEY_STORE_H

#include "store/store.h"

#define SURVEY_DAY_US (INT64_C(86400) * 1000000)

/* What was stored in a span of time. */
struct survey_flow {
    uint64_t events; /* Rows of audit_events, control records included. */
    uint64_t transactions;
};

struct survey_cleanup {
    bool     any; /* False: none was ever begun. */
    int64_t  started_us;
    int64_t  finished_us; /* 0: it goes on, or its process died. */
    int64_t  cut_off_us;  /* Events before it went. */
    int64_t  duration_us;
    uint64_t events_deleted;
    uint64_t batches;
    char     refused[201]; /* Why nothing was deleted; "" when it was not refused. */
};

struct survey_store {
    struct survey_flow    day;             /* Until now_us. */
    struct survey_flow    week;            /* The day included. */
    int64_t               ledger_since_us; /* The oldest batch that is still in the ledger; 0: there is none. */
    int64_t               flush_us;        /* The newest; 0: there is none. */
    uint64_t              flush_events;
    struct survey_cleanup cleanup;        /* The last that was begun. */
    uint64_t              events_deleted; /* By all that are remembered. */
    uint64_t              dead_letters;
    int64_t               dead_letter_us; /* The newest; 0: there is none. */
    char                  dead_letter_error[201];
};

TRAIL_MUST_CHECK enum trail_err survey_store_read(struct survey_store *ret_numbers, struct store *store, int64_t now_us,
                                                  struct trail_error *ret_error);

#endif
