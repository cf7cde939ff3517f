/* sqlite_cleanup.c -- claims a run of the clean-up, takes it through its phases, ends it.
 *
 * Layout: one row of audit_cleanups per run. Validity: the run whose row is the newest leads; every transaction of a
 * run changes that row and so finds out whether it still does. Recovery: a run without finished_at whose process is
 * gone is replaced by the next, which takes up everything that it left. What can go wrong: as for every other
 * transaction (TRAIL_EAWAY, nothing changed); fork() and a stop interrupt a step, which is then rolled back; on a full
 * disk the steps get smaller. */
#include "store/sqlite_cleanup.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Virtual machine instructions between two looks at `interrupted`: well under a millisecond. */
#define INTERRUPT_OPS 1000

/* A run that reads for long shows so often that it is alive (CLEANUP_QUIET_US), and sees whether it still leads. */
#define NOTE_US (INT64_C(10) * 1000000)

static const char past_sql[] =
    "SELECT started_at, finished_at IS NOT NULL, coalesce(finished_at, started_at + duration), boot, boot_at, refused "
    "FROM audit_cleanups ORDER BY id DESC LIMIT 1";

static const char newest_batch_sql[] = "SELECT recorded_at FROM audit_batches ORDER BY id DESC LIMIT 1";

static const char claim_sql[] =
    "INSERT INTO audit_cleanups (started_at, finished_at, cut_off, service, host, pid, boot, boot_at, refused) "
    "VALUES (?1, CASE WHEN ?9 THEN ?1 END, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

static const char note_sql[] =
    "UPDATE audit_cleanups SET events_deleted = events_deleted + ?2, batches = batches + ?3, "
    "partitions_dropped = partitions_dropped + ?4, references_deleted = references_deleted + ?5, "
    "ledger_deleted = ledger_deleted + ?6, writers_deleted = writers_deleted + ?7, duration = ?8 "
    "WHERE id = ?1 AND id = (SELECT max(id) FROM audit_cleanups) RETURNING id";

static const char end_sql[] = "UPDATE audit_cleanups SET duration = ?2, finished_at = ?3 WHERE id = ?1";

/* What the forgotten runs deleted is added to the oldest that is kept: the sum over all runs is what says how many of
 * the stored events are still there. ?1: the run, ?2: how many are kept. */
static const char fold_sql[] = "UPDATE audit_cleanups SET events_deleted = events_deleted + "
                               "(SELECT coalesce(sum(events_deleted), 0) FROM audit_cleanups WHERE id <= ?1 - ?2) "
                               "WHERE id = (SELECT min(id) FROM audit_cleanups WHERE id > ?1 - ?2)";

static const char forget_sql[] = "DELETE FROM audit_cleanups WHERE id <= ?1 - ?2";

enum trail_err cleanup_prepare(struct sqlite_store *store, const char *sql, sqlite3_stmt **ret_statement,
                               struct trail_error *ret_error)
{
    int code = sqlite3_prepare_v2(store->db, sql, -1, ret_statement, NULL);
    return code == SQLITE_OK ? TRAIL_OK : sqlite_failed(store, code, "prepare the clean-up", ret_error);
}

/* ---- The claim ---- */

static void take_past(sqlite3_stmt *row, struct cleanup_past *past)
{
    past->any = true;
    past->started_us = sqlite3_column_int64(row, 0);
    past->finished = sqlite3_column_int(row, 1) != 0;
    past->active_us = sqlite3_column_int64(row, 2);
    if (sqlite3_column_bytes(row, 3) == (int)sizeof past->boot.bytes)
        memcpy(past->boot.bytes, sqlite3_column_blob(row, 3), sizeof past->boot.bytes);
    past->boot_us = sqlite3_column_int64(row, 4);
    const unsigned char *refused = sqlite3_column_text(row, 5);
    if (refused != NULL)
        sqlite3_snprintf(sizeof past->refused, past->refused, "%s", refused);
}

/* The first row of a SELECT, if there is one. */
static enum trail_err read_row(struct sqlite_store *store, const char *sql, bool is_past, struct cleanup_past *past,
                               struct trail_error *ret_error)
{
    sqlite3_stmt  *read = NULL;
    enum trail_err err = cleanup_prepare(store, sql, &read, ret_error);
    int            code = err == TRAIL_OK ? sqlite3_step(read) : SQLITE_DONE;
    if (code == SQLITE_ROW && is_past) {
        take_past(read, past);
    } else if (code == SQLITE_ROW) {
        past->any_batch = true;
        past->batch_us = sqlite3_column_int64(read, 0);
    } else if (code != SQLITE_DONE) {
        err = sqlite_failed(store, code, "read about the last clean-up", ret_error);
    }
    sqlite3_finalize(read);
    return err;
}

static enum trail_err read_past(struct sqlite_store *store, struct cleanup_past *ret_past,
                                struct trail_error *ret_error)
{
    *ret_past = (struct cleanup_past){ 0 };
    enum trail_err err = read_row(store, past_sql, true, ret_past, ret_error);
    return err == TRAIL_OK ? read_row(store, newest_batch_sql, false, ret_past, ret_error) : err;
}

static enum trail_err insert_run(struct sqlite_store *store, const struct store_cleanup_request *request,
                                 const struct cleanup_answer *answer, struct trail_error *ret_error)
{
    bool           refused = answer->verdict == CLEANUP_REFUSED;
    sqlite3_stmt  *claim = NULL;
    enum trail_err err = cleanup_prepare(store, claim_sql, &claim, ret_error);
    if (err != TRAIL_OK)
        return err;
    sqlite3_bind_int64(claim, 1, request->now_us);
    sqlite3_bind_int64(claim, 2, request->cut_off_us);
    sqlite_bind_text(claim, 3, request->service);
    sqlite_bind_text(claim, 4, request->host);
    sqlite3_bind_int64(claim, 5, request->pid);
    sqlite3_bind_blob(claim, 6, request->boot.bytes, sizeof request->boot.bytes, SQLITE_STATIC);
    sqlite3_bind_int64(claim, 7, request->boot_us);
    if (refused)
        sqlite3_bind_text(claim, 8, answer->reason, -1, SQLITE_STATIC);
    sqlite3_bind_int(claim, 9, refused);
    int code = sqlite3_step(claim);
    if (code != SQLITE_DONE)
        err = sqlite_failed(store, code, "begin a clean-up", ret_error);
    sqlite3_finalize(claim);
    return err;
}

/* Look again under the write lock, and put our row there if nobody else was quicker. */
static enum trail_err claim_run(struct sqlite_store *store, const struct store_cleanup_request *request,
                                struct cleanup_past *past, struct cleanup_answer *answer, struct trail_error *ret_error)
{
    enum trail_err err = cleanup_lock(store, ret_error);
    if (err != TRAIL_OK)
        return err;
    err = read_past(store, past, ret_error);
    if (err == TRAIL_OK) {
        cleanup_judge(past, request, answer);
        if (answer->verdict == CLEANUP_CLAIMED || answer->verdict == CLEANUP_REFUSED)
            err = insert_run(store, request, answer, ret_error);
    }
    if (err == TRAIL_OK)
        err = sqlite_run(store, SQLITE_STATEMENT_COMMIT, "begin a clean-up", ret_error);
    if (err != TRAIL_OK)
        sqlite_rollback(store);
    return err;
}

static struct sqlite_cleanup *new_run(const struct store_cleanup_request *request)
{
    struct sqlite_cleanup *cleanup = calloc(1, sizeof *cleanup);
    int64_t               *ids = calloc(request->rows_max, sizeof *ids);
    if (cleanup == NULL || ids == NULL) {
        free(cleanup);
        free(ids);
        return NULL;
    }
    *cleanup = (struct sqlite_cleanup){
        .base.backend = &sqlite_backend,
        .cut_off_us = request->cut_off_us,
        .rows_max = request->rows_max,
        .pages_max = CLEANUP_PAGES_PER_STEP,
        .may_live = request->may_live,
        .context = request->context,
        .ids = ids,
    };
    sqlite3_snprintf(sizeof cleanup->host, cleanup->host, "%.*s", (int)request->host.size,
                     request->host.size > 0 ? request->host.data : "");
    return cleanup;
}

enum trail_err sqlite_cleanup_begin(struct store *base, const struct store_cleanup_request *request,
                                    struct cleanup_answer *ret_answer, struct store_cleanup **ret_cleanup,
                                    struct trail_error *ret_error)
{
    struct sqlite_store  *store = sqlite_store_of(base);
    struct cleanup_past   past;
    struct cleanup_answer answer;
    enum trail_err        err = sqlite_check_usable(store, ret_error);
    if (err == TRAIL_OK)
        err = read_past(store, &past, ret_error);
    if (err != TRAIL_OK)
        return err;
    cleanup_judge(&past, request, ret_answer);
    if (ret_answer->verdict == CLEANUP_NOT_DUE || ret_answer->verdict == CLEANUP_STILL_REFUSED)
        return TRAIL_OK; /* Most looks end here, without a lock. */

    struct sqlite_cleanup *cleanup = new_run(request);
    if (cleanup == NULL)
        return error_set(ret_error, TRAIL_ENOMEM, 0, "no memory for a clean-up");
    err = claim_run(store, request, &past, &answer, ret_error);
    if (err != TRAIL_OK || answer.verdict != CLEANUP_CLAIMED) {
        sqlite_cleanup_free(&cleanup->base);
    } else {
        cleanup->row = sqlite3_last_insert_rowid(store->db);
        cleanup->all_candidates = !past.any || !past.finished || past.refused[0] != '\0';
        *ret_cleanup = &cleanup->base;
    }
    if (err == TRAIL_OK)
        *ret_answer = answer;
    return err;
}

/* ---- The transaction of a step ---- */

enum trail_err cleanup_lock(struct sqlite_store *store, struct trail_error *ret_error)
{
    return sqlite_run(store, SQLITE_STATEMENT_BEGIN_WRITE, "lock for the clean-up", ret_error);
}

enum trail_err cleanup_remove(struct sqlite_store *store, sqlite3_stmt *statement, int64_t id, uint64_t *count,
                              struct trail_error *ret_error)
{
    sqlite3_bind_int64(statement, 1, id);
    int code = sqlite3_step(statement);
    if (code == SQLITE_DONE)
        *count += (uint64_t)sqlite3_changes64(store->db);
    enum trail_err err = code == SQLITE_DONE ? TRAIL_OK : sqlite_failed(store, code, "delete", ret_error);
    sqlite3_reset(statement);
    return err;
}

/* Add the step to the run's row. *ret_leads: the row is the newest. */
static enum trail_err note_work(struct sqlite_store *store, struct sqlite_cleanup *cleanup,
                                const struct cleanup_work *work, bool *ret_leads, struct trail_error *ret_error)
{
    const uint64_t numbers[] = { work->events,
                                 work->batches,
                                 work->partitions,
                                 work->references,
                                 work->ledger_rows,
                                 work->writers,
                                 (uint64_t)cleanup->elapsed_us };
    sqlite3_stmt  *note = NULL;
    enum trail_err err = cleanup_prepare(store, note_sql, &note, ret_error);
    if (err != TRAIL_OK)
        return err;
    cleanup->noted_us = cleanup->elapsed_us;
    sqlite3_bind_int64(note, 1, cleanup->row);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        sqlite3_bind_int64(note, (int)i + 2, (int64_t)numbers[i]);
    int code = sqlite3_step(note);
    *ret_leads = code == SQLITE_ROW;
    if (code == SQLITE_ROW)
        code = sqlite3_step(note);
    if (code != SQLITE_DONE)
        err = sqlite_failed(store, code, "note what was deleted", ret_error);
    sqlite3_finalize(note);
    return err;
}

enum trail_err cleanup_unlock(struct sqlite_store *store, struct sqlite_cleanup *cleanup, enum trail_err err,
                              struct cleanup_step *step, struct trail_error *ret_error)
{
    bool leads = true;
    if (err == TRAIL_OK)
        err = note_work(store, cleanup, &step->work, &leads, ret_error);
    if (err == TRAIL_OK && leads)
        err = sqlite_run(store, SQLITE_STATEMENT_COMMIT, "commit a clean-up", ret_error);
    if (err == TRAIL_OK && leads)
        return TRAIL_OK;
    /* An interrupt must not keep the rollback from happening. */
    sqlite3_progress_handler(store->db, 0, NULL, NULL);
    sqlite_rollback(store);
    step->work = (struct cleanup_work){ 0 };
    step->superseded = !leads;
    return err;
}

/* ---- The phases ---- */

static const char *const phase_names[PHASE_COUNT] = {
    [PHASE_EVENTS] = "events",
    [PHASE_DEAD_LETTERS] = "dead letters",
    [PHASE_ACTORS] = "references",
    [PHASE_RESOURCES] = "references",
    [PHASE_USE_OF_ACTIONS] = "references",
    [PHASE_ACTIONS] = "references",
    [PHASE_ROUTES] = "references",
    [PHASE_LEDGER] = "ledger",
    [PHASE_WRITERS] = "writers",
    [PHASE_SPACE] = "space",
};

static int on_progress(void *context)
{
    const struct sqlite_store *store = context;
    return store->interrupted != NULL && __atomic_load_n(store->interrupted, __ATOMIC_ACQUIRE);
}

static enum trail_err do_phase(struct sqlite_store *store, struct sqlite_cleanup *cleanup, struct cleanup_step *step,
                               bool *ret_over, struct trail_error *ret_error)
{
    switch (cleanup->phase) {
    case PHASE_EVENTS:
    case PHASE_DEAD_LETTERS:
    case PHASE_LEDGER:
    case PHASE_WRITERS: return cleanup_rows(store, cleanup, step, ret_over, ret_error);
    case PHASE_ACTORS:
    case PHASE_RESOURCES:
    case PHASE_USE_OF_ACTIONS:
    case PHASE_ACTIONS:
    case PHASE_ROUTES: return cleanup_references(store, cleanup, step, ret_over, ret_error);
    case PHASE_SPACE: return cleanup_space(store, cleanup, step, ret_over, ret_error);
    case PHASE_COUNT: break;
    }
    *ret_over = true;
    return TRAIL_OK;
}

/* A full disk is when a clean-up is needed most, and yet whatever it deletes is written to the log before the database
 * gets any smaller. So the log is emptied, and the step is done again; with half as much, if that was of no use. False:
 * it was the least already. */
static bool make_do_with_less(struct sqlite_store *store, struct sqlite_cleanup *cleanup)
{
    if (cleanup->was_full && cleanup->rows_max == 1 && cleanup->pages_max == 1)
        return false;
    if (cleanup->was_full) {
        cleanup->rows_max -= cleanup->rows_max / 2;
        cleanup->pages_max -= cleanup->pages_max / 2;
    }
    cleanup->was_full = true;
    cleanup_checkpoint(store);
    return true;
}

enum trail_err sqlite_cleanup_step(struct store *base, struct store_cleanup *run, int64_t elapsed_us,
                                   struct cleanup_step *ret_step, struct trail_error *ret_error)
{
    struct sqlite_store   *store = sqlite_store_of(base);
    struct sqlite_cleanup *cleanup = (struct sqlite_cleanup *)run; /* base is the first member. */
    bool                   over = false;
    enum trail_err         err = sqlite_check_usable(store, ret_error);
    if (err != TRAIL_OK)
        return err;
    ret_step->phase = cleanup->phase < PHASE_COUNT ? phase_names[cleanup->phase] : "";
    cleanup->elapsed_us = elapsed_us;
    store->is_full = false;

    sqlite3_progress_handler(store->db, INTERRUPT_OPS, on_progress, store);
    err = do_phase(store, cleanup, ret_step, &over, ret_error);
    sqlite3_progress_handler(store->db, 0, NULL, NULL);
    if (err != TRAIL_OK && store->is_full && make_do_with_less(store, cleanup))
        return TRAIL_OK; /* The step did nothing. */
    cleanup->was_full = false;

    if (err == TRAIL_OK && elapsed_us - cleanup->noted_us >= NOTE_US) {
        const struct cleanup_work nothing = { 0 };
        bool                      leads = true;
        err = note_work(store, cleanup, &nothing, &leads, ret_error);
        ret_step->superseded |= !leads;
    }
    if (err == TRAIL_OK && over) {
        cleanup->phase++;
        cleanup->position = 0;
    }
    ret_step->finished = ret_step->superseded || cleanup->phase == PHASE_COUNT;
    return err;
}

/* ---- The end ---- */

static enum trail_err run_once(struct sqlite_store *store, const char *sql, const int64_t values[3],
                               struct trail_error *ret_error)
{
    sqlite3_stmt  *run = NULL;
    enum trail_err err = cleanup_prepare(store, sql, &run, ret_error);
    if (err != TRAIL_OK)
        return err;
    for (int i = 0; i < 3 && i < sqlite3_bind_parameter_count(run); i++)
        sqlite3_bind_int64(run, i + 1, values[i]);
    int code = sqlite3_step(run);
    if (code != SQLITE_DONE)
        err = sqlite_failed(store, code, "end a clean-up", ret_error);
    sqlite3_finalize(run);
    return err;
}

enum trail_err sqlite_cleanup_end(struct store *base, struct store_cleanup *run, int64_t now_us, int64_t elapsed_us,
                                  struct trail_error *ret_error)
{
    struct sqlite_store         *store = sqlite_store_of(base);
    const struct sqlite_cleanup *cleanup = (const struct sqlite_cleanup *)run;
    const int64_t                end[3] = { cleanup->row, elapsed_us, now_us };
    const int64_t                kept[3] = { cleanup->row, CLEANUPS_KEPT, 0 };
    enum trail_err               err = sqlite_check_usable(store, ret_error);
    if (err == TRAIL_OK)
        err = cleanup_lock(store, ret_error);
    if (err != TRAIL_OK)
        return err;
    err = run_once(store, end_sql, end, ret_error);
    if (err == TRAIL_OK)
        err = run_once(store, fold_sql, kept, ret_error);
    if (err == TRAIL_OK)
        err = run_once(store, forget_sql, kept, ret_error);
    if (err == TRAIL_OK)
        err = sqlite_run(store, SQLITE_STATEMENT_COMMIT, "end a clean-up", ret_error);
    if (err != TRAIL_OK)
        sqlite_rollback(store);
    return err;
}

void sqlite_cleanup_free(struct store_cleanup *run)
{
    struct sqlite_cleanup *cleanup = (struct sqlite_cleanup *)run;
    id_set_done(&cleanup->actions);
    id_set_done(&cleanup->routes);
    free(cleanup->ids);
    free(cleanup);
}
