/* postgresql_cleanup.h -- a run of the PostgreSQL back-end's clean-up, and what its files share.
 *
 *     event  ->  policy  ->  spool  ->  drain  ->  [store]
 *
 * postgresql_cleanup.c         claims a run, ends it
 * postgresql_cleanup_phases.c  takes it through its phases: which function of the database removes what
 * postgresql_forecast.c        counts what a run would remove
 *
 * All removing is done by functions in the database (migrations/postgresql/0002_retention.sql, which says how), because
 * a process that records has not the right to. Each checks, in the transaction in which it removes, that the run still
 * leads, and adds to the run's row. The cut-off is the beginning of a UTC day: a record lives up to a day longer.
 *
 * Thread: as the store.
 * Memory: nothing in a run belongs to a connection.
 * Errors: as store.h. TRAIL_EAWAY too when the role may not call the functions, or when they refuse.
 */
#ifndef TRAIL_STORE_POSTGRESQL_CLEANUP_H
#define TRAIL_STORE_POSTGRESQL_CLEANUP_H

#include "store/postgresql_store.h"
#include "store/postgresql_value.h"

/* audit_cleanups keeps so many runs: three weeks of hourly ones. */
#define POSTGRESQL_CLEANUPS_KEPT 500

/* In a phase, a lock that was not to be had is asked for so often. Then the phase is left to the next run: whoever
 * reads or writes for that long goes first. */
#define POSTGRESQL_BUSY_MAX 10

enum postgresql_phase {
    PG_PHASE_DAYS,
    PG_PHASE_EXPIRED,
    PG_PHASE_STRAYS,
    PG_PHASE_DEAD_LETTERS,
    PG_PHASE_LOOK,
    PG_PHASE_RETIRE,
    PG_PHASE_LOOK_AGAIN,
    PG_PHASE_REFERENCES,
    PG_PHASE_LEDGER,
    PG_PHASE_WRITERS,
    PG_PHASE_COUNT
};

struct postgresql_cleanup {
    struct store_cleanup base;
    int64_t              row; /* Of audit_cleanups. */
    int64_t              rows_max;
    char                 host[256];
    bool (*may_live)(void *context, const struct uuid *writer, int64_t pid);
    void *context;

    enum postgresql_phase phase;
    bool                  begun;      /* The phase; `argument` is what its function is called with next. */
    int64_t               argument;   /* Of writers: up to here they were looked at. */
    uint32_t              busy_count; /* In this phase. */
    bool                  was_busy;   /* Some day was left out on this way through them. */
};

/* The beginning of its UTC day. */
int64_t postgresql_day_of(int64_t time_us);

/* One transaction of the phase that the run is in; at the end of the last one *ret_step says so. */
TRAIL_MUST_CHECK enum trail_err postgresql_cleanup_step(struct store *store, struct store_cleanup *cleanup,
                                                        int64_t elapsed_us, struct cleanup_step *ret_step,
                                                        struct trail_error *ret_error);

/* ---- The rest of the back-end's functions ---- */

TRAIL_MUST_CHECK enum trail_err postgresql_cleanup_begin(struct store                       *store,
                                                         const struct store_cleanup_request *request,
                                                         struct cleanup_answer              *ret_answer,
                                                         struct store_cleanup              **ret_cleanup,
                                                         struct trail_error                 *ret_error);
TRAIL_MUST_CHECK enum trail_err postgresql_cleanup_end(struct store *store, struct store_cleanup *cleanup,
                                                       int64_t now_us, int64_t elapsed_us,
                                                       struct trail_error *ret_error);
void                            postgresql_cleanup_free(struct store_cleanup *cleanup);
TRAIL_MUST_CHECK enum trail_err postgresql_forecast(struct store *store, int64_t cut_off_us, struct trail_text host,
                                                    struct cleanup_forecast *ret_forecast,
                                                    struct trail_error      *ret_error);

#endif
