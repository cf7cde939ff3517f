/* sqlite_cleanup.h -- a run of the SQLite back-end's clean-up, and what its files share.
 *
 *     event  ->  policy  ->  spool  ->  drain  ->  [store]
 *
 * sqlite_cleanup.c        claims a run, takes it through its phases, ends it
 * sqlite_cleanup_rows.c   expired events, dead letters, ledger rows, writers that are gone
 * sqlite_cleanup_refs.c   references that no event uses any more
 * sqlite_cleanup_space.c  gives free pages back to the file system
 * sqlite_forecast.c       counts what a run would remove
 *
 * What goes is looked for without the write lock, and removed under it by id, each row on the condition that it still
 * is what was looked for: ids of events are used again, and another run may have been quicker.
 *
 * Thread: as the store.
 * Memory: the run owns its ids; nothing in it belongs to a connection.
 * Errors: as store.h; each phase function rolls back what it began.
 */
#ifndef TRAIL_STORE_SQLITE_CLEANUP_H
#define TRAIL_STORE_SQLITE_CLEANUP_H

#include "store/id_set.h"
#include "store/sqlite_store.h"

/* audit_cleanups keeps so many runs: three weeks of hourly ones. */
#define CLEANUPS_KEPT 500

/* Rows that one step reads, looking for what is still in use: some tens of milliseconds. */
#define CLEANUP_SCAN_ROWS 100000

/* Pages that one step gives back. 8 MiB at the usual 4 KiB: tens of milliseconds under the write lock. */
#define CLEANUP_PAGES_PER_STEP 2000

enum cleanup_phase {
    PHASE_EVENTS,
    PHASE_DEAD_LETTERS,
    PHASE_ACTORS,
    PHASE_RESOURCES,
    PHASE_USE_OF_ACTIONS, /* Which actions and routes are still used is found out for both at once. */
    PHASE_ACTIONS,
    PHASE_ROUTES,
    PHASE_LEDGER,
    PHASE_WRITERS,
    PHASE_SPACE,
    PHASE_COUNT
};

struct sqlite_cleanup {
    struct store_cleanup base;
    int64_t              row; /* Of audit_cleanups. */
    int64_t              cut_off_us;
    int64_t              elapsed_us; /* Since it began, as of this step. */
    int64_t              noted_us;   /* Likewise, when its row was last changed. */
    size_t               rows_max;   /* Of one transaction; fewer once the disk was full. */
    int64_t              pages_max;  /* Likewise, of those given back. */
    bool                 was_full;   /* The disk, at the step before. */
    char                 host[256];
    bool (*may_live)(void *context, const struct uuid *writer, int64_t pid);
    void *context;

    enum cleanup_phase phase;
    int64_t            position; /* In the phase's table: what is before it has been looked at. */
    int64_t           *ids;      /* What this step removes; room for rows_max. */
    size_t             id_count;

    /* Actions and routes have no index on the events. Candidates are those of the events that were deleted, or all,
     * when the run before this one did not come to its end. */
    bool          all_candidates;
    struct id_set actions;
    struct id_set routes;
    int64_t       scan_below; /* Events from here on have been scanned; 0: not begun. */
    int64_t       newest[3];  /* id, writer, seq of the newest event that was scanned; 0: there was none. */
};

/* Prepare a statement for one step. */
TRAIL_MUST_CHECK enum trail_err cleanup_prepare(struct sqlite_store *store, const char *sql,
                                                sqlite3_stmt **ret_statement, struct trail_error *ret_error);

/* Run a statement on one id under the write lock; *count grows by the rows that it changed. */
TRAIL_MUST_CHECK enum trail_err cleanup_remove(struct sqlite_store *store, sqlite3_stmt *statement, int64_t id,
                                               uint64_t *count, struct trail_error *ret_error);

/* Begin the transaction of a step, end it: with the run's numbers in audit_cleanups, or, when another run has taken our
 * place, not at all. `err` is what came of the work in between. */
TRAIL_MUST_CHECK enum trail_err cleanup_lock(struct sqlite_store *store, struct trail_error *ret_error);
TRAIL_MUST_CHECK enum trail_err cleanup_unlock(struct sqlite_store *store, struct sqlite_cleanup *cleanup,
                                               enum trail_err err, struct cleanup_step *step,
                                               struct trail_error *ret_error);

/* The phases: one step each; *ret_over when nothing is left in it. */
TRAIL_MUST_CHECK enum trail_err cleanup_rows(struct sqlite_store *store, struct sqlite_cleanup *cleanup,
                                             struct cleanup_step *step, bool *ret_over, struct trail_error *ret_error);
TRAIL_MUST_CHECK enum trail_err cleanup_references(struct sqlite_store *store, struct sqlite_cleanup *cleanup,
                                                   struct cleanup_step *step, bool *ret_over,
                                                   struct trail_error *ret_error);
TRAIL_MUST_CHECK enum trail_err cleanup_space(struct sqlite_store *store, struct sqlite_cleanup *cleanup,
                                              struct cleanup_step *step, bool *ret_over, struct trail_error *ret_error);

/* Move what the write-ahead log holds into the database, and cut the log to nothing. Best effort. */
void cleanup_checkpoint(struct sqlite_store *store);

/* ---- The back-end's functions ---- */

TRAIL_MUST_CHECK enum trail_err sqlite_cleanup_begin(struct store *store, const struct store_cleanup_request *request,
                                                     struct cleanup_answer *ret_answer,
                                                     struct store_cleanup **ret_cleanup, struct trail_error *ret_error);
TRAIL_MUST_CHECK enum trail_err sqlite_cleanup_step(struct store *store, struct store_cleanup *cleanup,
                                                    int64_t elapsed_us, struct cleanup_step *ret_step,
                                                    struct trail_error *ret_error);
TRAIL_MUST_CHECK enum trail_err sqlite_cleanup_end(struct store *store, struct store_cleanup *cleanup, int64_t now_us,
                                                   int64_t elapsed_us, struct trail_error *ret_error);
void                            sqlite_cleanup_free(struct store_cleanup *run);
TRAIL_MUST_CHECK enum trail_err sqlite_forecast(struct store *store, int64_t cut_off_us, struct trail_text host,
                                                struct cleanup_forecast *ret_forecast, struct trail_error *ret_error);

#endif
