/* sqlite_forecast.c -- counts what a clean-up would remove, and changes nothing.
 *
 * Each number is one SELECT of its own, so a long count holds up no checkpoint for longer than itself. Whether a
 * writer's spool still exists is not looked at here: the numbers are those of the store. */
#include "store/sqlite_cleanup.h"

#include <stddef.h>

#define WORK(field) offsetof(struct cleanup_forecast, work.field)
#define FORECAST(field) offsetof(struct cleanup_forecast, field)

struct number {
    size_t      offset;
    const char *sql; /* ?1: the cut-off, ?2: our host. */
};

static const struct number numbers[] = {
    { WORK(events), "SELECT count(*) FROM audit_events WHERE timestamp < ?1" },
    { FORECAST(oldest_us), "SELECT coalesce(min(timestamp), 0) FROM audit_events WHERE timestamp < ?1" },
    { FORECAST(newest_us), "SELECT coalesce(max(timestamp), 0) FROM audit_events WHERE timestamp < ?1" },
    { WORK(dead_letters), "SELECT count(*) FROM audit_dead_letters WHERE recorded_at < ?1" },
    { WORK(references),
      "SELECT (SELECT count(*) FROM audit_actors u WHERE NOT EXISTS "
      "(SELECT 1 FROM audit_events WHERE actor = u.id AND timestamp >= ?1)) + "
      "(SELECT count(*) FROM audit_resources r WHERE NOT EXISTS "
      "(SELECT 1 FROM audit_events WHERE resource = r.id AND timestamp >= ?1)) + "
      "(SELECT count(*) FROM audit_actions WHERE id NOT IN (SELECT action FROM audit_events WHERE timestamp >= ?1)) + "
      "(SELECT count(*) FROM audit_routes WHERE id NOT IN "
      "(SELECT route FROM audit_events WHERE timestamp >= ?1 AND route IS NOT NULL))" },
    { WORK(ledger_rows),
      "SELECT count(*) FROM audit_batches b WHERE b.recorded_at < ?1 AND coalesce(b.max_timestamp < ?1, 1) AND "
      "b.last_seq < (SELECT max(n.last_seq) FROM audit_batches n WHERE n.writer = b.writer)" },
    { WORK(writers),
      "SELECT count(*) FROM audit_writers w WHERE w.host = ?2 AND w.started_at < ?1 "
      "AND NOT EXISTS (SELECT 1 FROM audit_batches b WHERE b.writer = w.id "
      "AND (b.recorded_at >= ?1 OR b.max_timestamp >= ?1)) "
      "AND NOT EXISTS (SELECT 1 FROM audit_dead_letters d WHERE d.writer = w.id AND d.recorded_at >= ?1)" },
};

static enum trail_err count_one(struct sqlite_store *store, const struct number *number, int64_t cut_off_us,
                                struct trail_text host, int64_t *ret_value, struct trail_error *ret_error)
{
    sqlite3_stmt  *count = NULL;
    enum trail_err err = cleanup_prepare(store, number->sql, &count, ret_error);
    if (err != TRAIL_OK)
        return err;
    sqlite3_bind_int64(count, 1, cut_off_us);
    if (sqlite3_bind_parameter_count(count) >= 2)
        sqlite_bind_text(count, 2, host);
    int code = sqlite3_step(count);
    if (code == SQLITE_ROW)
        *ret_value = sqlite3_column_int64(count, 0);
    else
        err = sqlite_failed(store, code, "count what is too old", ret_error);
    sqlite3_finalize(count);
    return err;
}

/* Whether the last run was refused. */
static enum trail_err read_refusal(struct sqlite_store *store, char ret_refused[CLEANUP_REASON_SIZE],
                                   struct trail_error *ret_error)
{
    sqlite3_stmt  *read = NULL;
    enum trail_err err =
        cleanup_prepare(store, "SELECT refused FROM audit_cleanups ORDER BY id DESC LIMIT 1", &read, ret_error);
    int code = err == TRAIL_OK ? sqlite3_step(read) : SQLITE_DONE;
    if (code == SQLITE_ROW && sqlite3_column_type(read, 0) != SQLITE_NULL)
        sqlite3_snprintf(CLEANUP_REASON_SIZE, ret_refused, "%s", sqlite3_column_text(read, 0));
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        err = sqlite_failed(store, code, "read about the last clean-up", ret_error);
    sqlite3_finalize(read);
    return err;
}

enum trail_err sqlite_forecast(struct store *base, int64_t cut_off_us, struct trail_text host,
                               struct cleanup_forecast *ret_forecast, struct trail_error *ret_error)
{
    struct sqlite_store    *store = sqlite_store_of(base);
    struct cleanup_forecast forecast = { 0 };
    enum trail_err          err = sqlite_check_usable(store, ret_error);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0] && err == TRAIL_OK; i++) {
        int64_t *value = (int64_t *)(void *)((char *)&forecast + numbers[i].offset);
        err = count_one(store, &numbers[i], cut_off_us, host, value, ret_error);
    }
    if (err == TRAIL_OK)
        err = read_refusal(store, forecast.refused, ret_error);
    if (err == TRAIL_OK)
        *ret_forecast = forecast;
    return err;
}
