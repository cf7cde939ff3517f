/* sqlite_cleanup_refs.c -- removes references that no event uses any more.
 *
 * Writers remember the numbers of references (ref_cache.h). So the transaction that deletes any raises
 * audit_store.dims_generation; a writer reads that under its own lock, before it stores events that use them, and looks
 * everything up again when it changed. Numbers are never given out twice.
 *
 * Actors and resources have an index on the events: whether one is used is asked again under the lock. Actions and
 * routes have none. For them the events are read once, newest first, without the lock; under it only those that came
 * since are read. A newer event has a larger id as long as the newest one that was read is still there (ids of deleted
 * rows at the end of the table are given out again); if it is not, the reading begins anew. */
#include "store/sqlite_cleanup.h"

#include <string.h>

static enum trail_err no_memory(struct trail_error *ret_error)
{
    return error_set(ret_error, TRAIL_ENOMEM, 0, "no memory for a clean-up");
}

static enum trail_err failed(struct sqlite_store *store, int code, struct trail_error *ret_error)
{
    return sqlite_failed(store, code, "look for unused references", ret_error);
}

/* ---- Deleting, under the lock ---- */

/* Delete cleanup->ids by `sql` and raise the generation if anything was deleted. The lock is held. */
static enum trail_err delete_ids(struct sqlite_store *store, const struct sqlite_cleanup *cleanup, const char *sql,
                                 struct cleanup_step *step, struct trail_error *ret_error)
{
    uint64_t       raised = 0;
    sqlite3_stmt  *remove = NULL;
    sqlite3_stmt  *raise = NULL;
    enum trail_err err = cleanup_prepare(store, sql, &remove, ret_error);
    if (err == TRAIL_OK)
        err =
            cleanup_prepare(store, "UPDATE audit_store SET dims_generation = dims_generation + ?1", &raise, ret_error);
    for (size_t i = 0; i < cleanup->id_count && err == TRAIL_OK; i++)
        err = cleanup_remove(store, remove, cleanup->ids[i], &step->work.references, ret_error);
    if (err == TRAIL_OK && step->work.references > 0)
        err = cleanup_remove(store, raise, 1, &raised, ret_error);
    sqlite3_finalize(remove);
    sqlite3_finalize(raise);
    return err;
}

/* ---- Actors and resources ---- */

struct indexed {
    const char *page_end; /* ?1: the position, ?2: how many rows to look at. */
    const char *find;     /* ?1: the position, ?2: the end of the page, ?3: how many. */
    const char *remove;
};

static const struct indexed actors = {
    "SELECT max(id) FROM (SELECT id FROM audit_actors WHERE id > ?1 ORDER BY id LIMIT ?2)",
    "SELECT u.id FROM audit_actors u WHERE u.id > ?1 AND u.id <= ?2 "
    "AND NOT EXISTS (SELECT 1 FROM audit_events WHERE actor = u.id) ORDER BY u.id LIMIT ?3",
    "DELETE FROM audit_actors WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM audit_events WHERE actor = ?1)",
};

static const struct indexed resources = {
    "SELECT max(id) FROM (SELECT id FROM audit_resources WHERE id > ?1 ORDER BY id LIMIT ?2)",
    "SELECT r.id FROM audit_resources r WHERE r.id > ?1 AND r.id <= ?2 "
    "AND NOT EXISTS (SELECT 1 FROM audit_events WHERE resource = r.id) ORDER BY r.id LIMIT ?3",
    "DELETE FROM audit_resources WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM audit_events WHERE resource = ?1)",
};

/* *ret_end: the last id to look at in this step; 0: there is none behind the position. */
static enum trail_err find_page_end(struct sqlite_store *store, const struct sqlite_cleanup *cleanup,
                                    const struct indexed *table, int64_t *ret_end, struct trail_error *ret_error)
{
    sqlite3_stmt  *look = NULL;
    enum trail_err err = cleanup_prepare(store, table->page_end, &look, ret_error);
    if (err != TRAIL_OK)
        return err;
    sqlite3_bind_int64(look, 1, cleanup->position);
    sqlite3_bind_int64(look, 2, CLEANUP_SCAN_ROWS);
    int code = sqlite3_step(look);
    *ret_end = code == SQLITE_ROW ? sqlite3_column_int64(look, 0) : 0;
    if (code != SQLITE_ROW)
        err = failed(store, code, ret_error);
    sqlite3_finalize(look);
    return err;
}

static enum trail_err find_unused(struct sqlite_store *store, struct sqlite_cleanup *cleanup,
                                  const struct indexed *table, int64_t end, struct trail_error *ret_error)
{
    sqlite3_stmt  *look = NULL;
    enum trail_err err = cleanup_prepare(store, table->find, &look, ret_error);
    if (err != TRAIL_OK)
        return err;
    sqlite3_bind_int64(look, 1, cleanup->position);
    sqlite3_bind_int64(look, 2, end);
    sqlite3_bind_int64(look, 3, (int64_t)cleanup->rows_max);
    int code;
    cleanup->id_count = 0;
    while ((code = sqlite3_step(look)) == SQLITE_ROW)
        cleanup->ids[cleanup->id_count++] = sqlite3_column_int64(look, 0);
    if (code != SQLITE_DONE)
        err = failed(store, code, ret_error);
    sqlite3_finalize(look);
    return err;
}

static enum trail_err delete_unused(struct sqlite_store *store, struct sqlite_cleanup *cleanup, const char *sql,
                                    struct cleanup_step *step, struct trail_error *ret_error)
{
    enum trail_err err = cleanup_lock(store, ret_error);
    if (err != TRAIL_OK)
        return err;
    err = delete_ids(store, cleanup, sql, step, ret_error);
    return cleanup_unlock(store, cleanup, err, step, ret_error);
}

static enum trail_err step_indexed(struct sqlite_store *store, struct sqlite_cleanup *cleanup,
                                   const struct indexed *table, struct cleanup_step *step, bool *ret_over,
                                   struct trail_error *ret_error)
{
    int64_t        end = 0;
    enum trail_err err = find_page_end(store, cleanup, table, &end, ret_error);
    *ret_over = end == 0;
    if (err != TRAIL_OK || end == 0)
        return err;
    err = find_unused(store, cleanup, table, end, ret_error);
    if (err == TRAIL_OK && cleanup->id_count > 0)
        err = delete_unused(store, cleanup, table->remove, step, ret_error);
    if (err == TRAIL_OK)
        cleanup->position = cleanup->id_count == cleanup->rows_max ? cleanup->ids[cleanup->id_count - 1] : end;
    return err;
}

/* ---- Actions and routes: what is still used ---- */

static enum trail_err add_all(struct sqlite_store *store, const char *sql, struct id_set *set,
                              struct trail_error *ret_error)
{
    sqlite3_stmt  *look = NULL;
    enum trail_err err = cleanup_prepare(store, sql, &look, ret_error);
    if (err != TRAIL_OK)
        return err;
    int code;
    while ((code = sqlite3_step(look)) == SQLITE_ROW && err == TRAIL_OK) {
        if (!id_set_add(set, sqlite3_column_int64(look, 0)))
            err = no_memory(ret_error);
    }
    if (err == TRAIL_OK && code != SQLITE_DONE)
        err = failed(store, code, ret_error);
    sqlite3_finalize(look);
    return err;
}

/* Where the reading begins: behind the newest event there is. */
static enum trail_err find_newest(struct sqlite_store *store, int64_t ret_newest[3], struct trail_error *ret_error)
{
    sqlite3_stmt  *look = NULL;
    enum trail_err err =
        cleanup_prepare(store, "SELECT id, writer, seq FROM audit_events ORDER BY id DESC LIMIT 1", &look, ret_error);
    if (err != TRAIL_OK)
        return err;
    int code = sqlite3_step(look);
    for (int i = 0; i < 3; i++)
        ret_newest[i] = code == SQLITE_ROW ? sqlite3_column_int64(look, i) : 0;
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        err = failed(store, code, ret_error);
    sqlite3_finalize(look);
    return err;
}

static enum trail_err begin_scan(struct sqlite_store *store, struct sqlite_cleanup *cleanup,
                                 struct trail_error *ret_error)
{
    enum trail_err err = TRAIL_OK;
    if (cleanup->all_candidates) {
        err = add_all(store, "SELECT id FROM audit_actions", &cleanup->actions, ret_error);
        if (err == TRAIL_OK)
            err = add_all(store, "SELECT id FROM audit_routes", &cleanup->routes, ret_error);
    }
    if (err != TRAIL_OK)
        return err;
    id_set_seal(&cleanup->actions);
    id_set_seal(&cleanup->routes);
    err = find_newest(store, cleanup->newest, ret_error);
    if (err == TRAIL_OK)
        cleanup->scan_below = cleanup->newest[0] + 1;
    return err;
}

/* Mark what the events of a SELECT (id, action, route) use. *ret_last: the id of the last, *ret_count: of how many. */
static enum trail_err mark_used(struct sqlite_store *store, struct sqlite_cleanup *cleanup, const char *sql,
                                int64_t bound, int64_t ret_last_and_count[2], struct trail_error *ret_error)
{
    sqlite3_stmt  *look = NULL;
    enum trail_err err = cleanup_prepare(store, sql, &look, ret_error);
    if (err != TRAIL_OK)
        return err;
    sqlite3_bind_int64(look, 1, bound);
    ret_last_and_count[0] = bound;
    ret_last_and_count[1] = 0;
    int code;
    while ((code = sqlite3_step(look)) == SQLITE_ROW) {
        ret_last_and_count[0] = sqlite3_column_int64(look, 0);
        ret_last_and_count[1]++;
        id_set_mark(&cleanup->actions, sqlite3_column_int64(look, 1));
        id_set_mark(&cleanup->routes, sqlite3_column_int64(look, 2)); /* NULL reads as 0, which is no id. */
        if (cleanup->actions.unused == 0 && cleanup->routes.unused == 0) {
            code = SQLITE_DONE;
            break;
        }
    }
    if (code != SQLITE_DONE)
        err = failed(store, code, ret_error);
    sqlite3_finalize(look);
    return err;
}

static enum trail_err scan_some(struct sqlite_store *store, struct sqlite_cleanup *cleanup, bool *ret_over,
                                struct trail_error *ret_error)
{
    char           sql[128];
    int64_t        last_and_count[2] = { 0 };
    enum trail_err err = cleanup->scan_below == 0 ? begin_scan(store, cleanup, ret_error) : TRAIL_OK;
    if (err != TRAIL_OK)
        return err;
    *ret_over = cleanup->actions.unused == 0 && cleanup->routes.unused == 0;
    if (*ret_over)
        return TRAIL_OK;
    sqlite3_snprintf(sizeof sql, sql,
                     "SELECT id, action, route FROM audit_events WHERE id < ?1 ORDER BY id DESC LIMIT %d",
                     CLEANUP_SCAN_ROWS);
    err = mark_used(store, cleanup, sql, cleanup->scan_below, last_and_count, ret_error);
    if (err != TRAIL_OK)
        return err;
    cleanup->scan_below = last_and_count[0];
    *ret_over = last_and_count[1] < CLEANUP_SCAN_ROWS;
    return TRAIL_OK;
}

/* ---- Actions and routes: deleting ---- */

/* The next unused ids of the set, from the position on, which is an index into it here. Returns the next position. */
static size_t take_unused(struct sqlite_cleanup *cleanup, const struct id_set *set)
{
    size_t at = (size_t)cleanup->position;
    cleanup->id_count = 0;
    for (; at < set->count && cleanup->id_count < cleanup->rows_max; at++) {
        if (!set->entries[at].used)
            cleanup->ids[cleanup->id_count++] = set->entries[at].id;
    }
    return at;
}

/* Under the lock: read the events that came since. *ret_anew: it cannot be told which those are. */
static enum trail_err mark_newer(struct sqlite_store *store, struct sqlite_cleanup *cleanup, bool *ret_anew,
                                 struct trail_error *ret_error)
{
    sqlite3_stmt  *look = NULL;
    int64_t        last_and_count[2];
    enum trail_err err = cleanup_prepare(
        store, "SELECT count(*) FROM audit_events WHERE id = ?1 AND writer = ?2 AND seq = ?3", &look, ret_error);
    if (err != TRAIL_OK)
        return err;
    for (int i = 0; i < 3; i++)
        sqlite3_bind_int64(look, i + 1, cleanup->newest[i]);
    int code = sqlite3_step(look);
    *ret_anew = code == SQLITE_ROW && cleanup->newest[0] != 0 && sqlite3_column_int(look, 0) == 0;
    if (code != SQLITE_ROW)
        err = failed(store, code, ret_error);
    sqlite3_finalize(look);
    if (err != TRAIL_OK || *ret_anew)
        return err;
    err = mark_used(store, cleanup, "SELECT id, action, route FROM audit_events WHERE id > ?1", cleanup->newest[0],
                    last_and_count, ret_error);
    return err == TRAIL_OK ? find_newest(store, cleanup->newest, ret_error) : err;
}

static enum trail_err delete_candidates(struct sqlite_store *store, struct sqlite_cleanup *cleanup,
                                        const struct id_set *set, const char *sql, struct cleanup_step *step,
                                        struct trail_error *ret_error)
{
    bool           anew = false;
    size_t         end = 0;
    enum trail_err err = cleanup_lock(store, ret_error);
    if (err != TRAIL_OK)
        return err;
    err = mark_newer(store, cleanup, &anew, ret_error);
    if (err == TRAIL_OK && !anew) {
        end = take_unused(cleanup, set);
        err = delete_ids(store, cleanup, sql, step, ret_error);
    }
    err = cleanup_unlock(store, cleanup, err, step, ret_error);
    if (err == TRAIL_OK && anew) {
        cleanup->phase = PHASE_USE_OF_ACTIONS;
        cleanup->scan_below = 0;
        cleanup->position = 0;
    } else if (err == TRAIL_OK) {
        cleanup->position = (int64_t)end;
    }
    return err;
}

static enum trail_err step_candidates(struct sqlite_store *store, struct sqlite_cleanup *cleanup,
                                      struct cleanup_step *step, bool *ret_over, struct trail_error *ret_error)
{
    bool                 is_actions = cleanup->phase == PHASE_ACTIONS;
    const struct id_set *set = is_actions ? &cleanup->actions : &cleanup->routes;
    (void)take_unused(cleanup, set); /* Without the lock: is there any need for it? */
    *ret_over = cleanup->id_count == 0;
    if (*ret_over)
        return TRAIL_OK;
    return delete_candidates(store, cleanup, set,
                             is_actions ? "DELETE FROM audit_actions WHERE id = ?1"
                                        : "DELETE FROM audit_routes WHERE id = ?1",
                             step, ret_error);
}

enum trail_err cleanup_references(struct sqlite_store *store, struct sqlite_cleanup *cleanup, struct cleanup_step *step,
                                  bool *ret_over, struct trail_error *ret_error)
{
    switch ((int)cleanup->phase) {
    case PHASE_ACTORS: return step_indexed(store, cleanup, &actors, step, ret_over, ret_error);
    case PHASE_RESOURCES: return step_indexed(store, cleanup, &resources, step, ret_over, ret_error);
    case PHASE_USE_OF_ACTIONS: return scan_some(store, cleanup, ret_over, ret_error);
    default: return step_candidates(store, cleanup, step, ret_over, ret_error);
    }
}
