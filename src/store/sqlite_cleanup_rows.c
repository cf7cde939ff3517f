/* sqlite_cleanup_rows.c -- removes expired events and dead letters, ledger rows that nothing needs, and writers that
 * are gone.
 *
 * Each step finds ids, by an index or in the order of the table and without the write lock, and then removes them in
 * one transaction. What can go wrong between the two: another run removed some (they are not there, and not counted),
 * or an id was given to a new row (the condition on its time keeps that). */
#include "store/sqlite_cleanup.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

/* ?1: the cut-off, ?2: how many, ?3: ids up to here have been looked at. */
static const char events_sql[] = "SELECT id, action, route FROM audit_events INDEXED BY audit_events_time "
                                 "WHERE timestamp < ?1 ORDER BY timestamp, writer, seq LIMIT ?2";

static const char dead_letters_sql[] =
    "SELECT rowid FROM audit_dead_letters WHERE recorded_at < ?1 AND rowid > ?3 ORDER BY rowid LIMIT ?2";

/* A batch's events are gone when the youngest of them is. The newest row of a writer says where it stands. */
static const char ledger_sql[] =
    "SELECT b.id FROM audit_batches b WHERE b.recorded_at < ?1 AND coalesce(b.max_timestamp < ?1, 1) AND b.last_seq < "
    "(SELECT max(n.last_seq) FROM audit_batches n WHERE n.writer = b.writer) ORDER BY b.recorded_at LIMIT ?2";

/* Of this host (?4), because only its spools can be seen; whatever it recorded is long gone. */
static const char writers_sql[] =
    "SELECT w.id, w.uuid, w.pid FROM audit_writers w WHERE w.id > ?3 AND w.host = ?4 AND w.started_at < ?1 "
    "AND NOT EXISTS (SELECT 1 FROM audit_batches b WHERE b.writer = w.id "
    "AND (b.recorded_at >= ?1 OR b.max_timestamp >= ?1)) "
    "AND NOT EXISTS (SELECT 1 FROM audit_dead_letters d WHERE d.writer = w.id) ORDER BY w.id LIMIT ?2";

/* ---- Finding ---- */

static bool may_live(const struct sqlite_cleanup *cleanup, sqlite3_stmt *row)
{
    struct uuid uuid;
    if (sqlite3_column_bytes(row, 1) != (int)sizeof uuid.bytes)
        return true;
    memcpy(uuid.bytes, sqlite3_column_blob(row, 1), sizeof uuid.bytes);
    return cleanup->may_live(cleanup->context, &uuid, sqlite3_column_int64(row, 2));
}

/* Take one row that was found. False: out of memory. */
static bool take_row(struct sqlite_cleanup *cleanup, sqlite3_stmt *row)
{
    int64_t id = sqlite3_column_int64(row, 0);
    if (cleanup->phase == PHASE_WRITERS && may_live(cleanup, row))
        return true;
    assert(cleanup->id_count < cleanup->rows_max);
    cleanup->ids[cleanup->id_count++] = id;
    if (cleanup->phase != PHASE_EVENTS || cleanup->all_candidates)
        return true;
    return id_set_add(&cleanup->actions, sqlite3_column_int64(row, 1)) &&
           (sqlite3_column_type(row, 2) == SQLITE_NULL || id_set_add(&cleanup->routes, sqlite3_column_int64(row, 2)));
}

struct findings {
    size_t  count; /* Rows; cleanup->ids holds those of them that go. */
    int64_t last_id;
};

static enum trail_err find(struct sqlite_store *store, struct sqlite_cleanup *cleanup, const char *sql,
                           struct findings *ret_found, struct trail_error *ret_error)
{
    sqlite3_stmt  *look = NULL;
    enum trail_err err = cleanup_prepare(store, sql, &look, ret_error);
    if (err != TRAIL_OK)
        return err;
    sqlite3_bind_int64(look, 1, cleanup->cut_off_us);
    sqlite3_bind_int64(look, 2, (int64_t)cleanup->rows_max);
    if (sqlite3_bind_parameter_count(look) >= 3)
        sqlite3_bind_int64(look, 3, cleanup->position);
    if (sqlite3_bind_parameter_count(look) >= 4)
        sqlite3_bind_text(look, 4, cleanup->host, -1, SQLITE_STATIC);

    int code;
    cleanup->id_count = 0;
    *ret_found = (struct findings){ 0, cleanup->position };
    while ((code = sqlite3_step(look)) == SQLITE_ROW && err == TRAIL_OK) {
        ret_found->count++;
        ret_found->last_id = sqlite3_column_int64(look, 0);
        if (!take_row(cleanup, look))
            err = error_set(ret_error, TRAIL_ENOMEM, 0, "no memory for a clean-up");
    }
    if (err == TRAIL_OK && code != SQLITE_DONE)
        err = sqlite_failed(store, code, "look for what is too old", ret_error);
    sqlite3_finalize(look);
    return err;
}

/* ---- Removing ---- */

#define REMOVALS_MAX 4

/* How a kind of row is found and removed. The removals run on each id in turn (?1; ?2 the cut-off); the first one's
 * rows are counted, and only when it changed something do the others run. */
struct row_phase {
    const char *find;
    const char *removals[REMOVALS_MAX];
    size_t      counter; /* Offset in struct cleanup_work. */
};

#define COUNTER(field) offsetof(struct cleanup_work, field)

static const struct row_phase row_phases[PHASE_COUNT] = {
    [PHASE_EVENTS] = { events_sql,
                       { "DELETE FROM audit_events WHERE id = ?1 AND timestamp < ?2",
                         "DELETE FROM audit_payloads WHERE event = ?1" },
                       COUNTER(events) },
    [PHASE_DEAD_LETTERS] = { dead_letters_sql,
                             { "DELETE FROM audit_dead_letters WHERE rowid = ?1 AND recorded_at < ?2" },
                             COUNTER(dead_letters) },
    [PHASE_LEDGER] = { ledger_sql,
                       { "DELETE FROM audit_batches WHERE id = ?1 AND recorded_at < ?2" },
                       COUNTER(ledger_rows) },
    /* What a writer counted goes to the bucket of those that are gone, so that the sums over all time stay. */
    [PHASE_WRITERS] = { writers_sql,
                        { "DELETE FROM audit_writers WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM audit_batches b "
                          "WHERE b.writer = ?1 AND (b.recorded_at >= ?2 OR b.max_timestamp >= ?2))",
                          "INSERT INTO audit_accounting AS a SELECT 0, operation, stored, dead_lettered, level, "
                          "excluded, sampled, rejected, dropped FROM audit_accounting WHERE writer = ?1 "
                          "ON CONFLICT (writer, operation) DO UPDATE SET stored = a.stored + excluded.stored, "
                          "dead_lettered = a.dead_lettered + excluded.dead_lettered, "
                          "level = a.level + excluded.level, excluded = a.excluded + excluded.excluded, "
                          "sampled = a.sampled + excluded.sampled, rejected = a.rejected + excluded.rejected, "
                          "dropped = a.dropped + excluded.dropped",
                          "DELETE FROM audit_accounting WHERE writer = ?1",
                          "DELETE FROM audit_batches WHERE writer = ?1" },
                        COUNTER(writers) },
};

static enum trail_err remove_each(struct sqlite_store *store, const struct sqlite_cleanup *cleanup,
                                  sqlite3_stmt *const statements[REMOVALS_MAX], uint64_t *count,
                                  struct trail_error *ret_error)
{
    enum trail_err err = TRAIL_OK;
    for (size_t i = 0; i < cleanup->id_count && err == TRAIL_OK; i++) {
        uint64_t before = *count;
        uint64_t ignored = 0;
        err = cleanup_remove(store, statements[0], cleanup->ids[i], count, ret_error);
        for (size_t j = 1; j < REMOVALS_MAX && statements[j] != NULL && err == TRAIL_OK && *count > before; j++)
            err = cleanup_remove(store, statements[j], cleanup->ids[i], &ignored, ret_error);
    }
    return err;
}

/* One transaction. */
static enum trail_err remove_found(struct sqlite_store *store, struct sqlite_cleanup *cleanup,
                                   const struct row_phase *phase, struct cleanup_step *step,
                                   struct trail_error *ret_error)
{
    uint64_t      *count = (uint64_t *)(void *)((char *)&step->work + phase->counter);
    sqlite3_stmt  *statements[REMOVALS_MAX] = { NULL };
    enum trail_err err = TRAIL_OK;
    for (size_t i = 0; i < REMOVALS_MAX && phase->removals[i] != NULL && err == TRAIL_OK; i++) {
        err = cleanup_prepare(store, phase->removals[i], &statements[i], ret_error);
        if (err == TRAIL_OK && sqlite3_bind_parameter_count(statements[i]) >= 2)
            sqlite3_bind_int64(statements[i], 2, cleanup->cut_off_us);
    }
    if (err == TRAIL_OK)
        err = cleanup_lock(store, ret_error);
    if (err == TRAIL_OK) {
        err = remove_each(store, cleanup, statements, count, ret_error);
        step->work.batches = step->work.events > 0;
        err = cleanup_unlock(store, cleanup, err, step, ret_error);
    }
    for (size_t i = 0; i < REMOVALS_MAX; i++)
        sqlite3_finalize(statements[i]);
    return err;
}

/* ---- The step ---- */

enum trail_err cleanup_rows(struct sqlite_store *store, struct sqlite_cleanup *cleanup, struct cleanup_step *step,
                            bool *ret_over, struct trail_error *ret_error)
{
    const struct row_phase *phase = &row_phases[cleanup->phase];
    struct findings         found;
    enum trail_err          err = find(store, cleanup, phase->find, &found, ret_error);
    if (err == TRAIL_OK && cleanup->id_count > 0)
        err = remove_found(store, cleanup, phase, step, ret_error);
    if (err != TRAIL_OK)
        return err;
    cleanup->position = found.last_id;
    *ret_over = found.count < cleanup->rows_max;
    return TRAIL_OK;
}
