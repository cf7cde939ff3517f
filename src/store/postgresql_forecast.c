/* postgresql_forecast.c -- counts what a clean-up would remove, and changes nothing.
 *
 * Each number is a SELECT of its own, so that a long count holds up nothing for longer than itself. Whether a writer's
 * spool still exists is not looked at here: the numbers are those of the store. */
#include "store/postgresql_cleanup.h"

#include <stddef.h>
#include <stdio.h>

#define WORK(field) offsetof(struct cleanup_forecast, work.field)
#define FORECAST(field) offsetof(struct cleanup_forecast, field)

struct number {
    size_t      offset;
    const char *sql; /* ?1: the cut-off, ?2: our host. */
};

#define EVERYWHERE(what)                                                             \
    "(SELECT " what " FROM audit_events WHERE timestamp < ?1 UNION ALL SELECT " what \
    " FROM audit_events_stray WHERE timestamp < ?1)"

#define UNUSED(table, column)                                                                                         \
    "SELECT count(*) FROM " table " r WHERE NOT EXISTS (SELECT 1 FROM audit_events WHERE timestamp >= ?1 AND " column \
    " = r.id) AND NOT EXISTS (SELECT 1 FROM audit_events_stray WHERE timestamp >= ?1 AND " column " = r.id)"

/* Numbers with the same offset are added up. */
static const struct number numbers[] = {
    { WORK(events), "SELECT sum(n)::bigint FROM " EVERYWHERE("count(*) AS n") " e" },
    { WORK(partitions), "SELECT count(*) FROM audit_days WHERE (day + 1)::timestamp AT TIME ZONE 'UTC' <= ?1" },
    { FORECAST(oldest_us), "SELECT min(t) FROM " EVERYWHERE("min(timestamp) AS t") " e" },
    { FORECAST(newest_us), "SELECT max(t) FROM " EVERYWHERE("max(timestamp) AS t") " e" },
    { WORK(dead_letters), "SELECT count(*) FROM audit_dead_letters WHERE recorded_at < ?1" },
    { WORK(references), UNUSED("audit_actors", "actor") },
    { WORK(references), UNUSED("audit_resources", "resource") },
    { WORK(references), UNUSED("audit_actions", "action") },
    { WORK(references), UNUSED("audit_routes", "route") },
    { WORK(ledger_rows),
      "SELECT count(*) FROM audit_batches b WHERE b.recorded_at < ?1 AND coalesce(b.max_timestamp < ?1, true) AND "
      "b.last_seq < (SELECT max(n.last_seq) FROM audit_batches n WHERE n.writer = b.writer)" },
    { WORK(writers),
      "SELECT count(*) FROM audit_writers w WHERE w.started_at < ?1 AND w.host = ?2 "
      "AND NOT EXISTS (SELECT 1 FROM audit_batches b WHERE b.writer = w.id "
      "AND (b.recorded_at >= ?1 OR b.max_timestamp >= ?1)) "
      "AND NOT EXISTS (SELECT 1 FROM audit_dead_letters d WHERE d.writer = w.id AND d.recorded_at >= ?1)" },
};

/* What the database will not remove whatever it is told is not forecast either. */
static const char cut_off_sql[] =
    "SELECT date_trunc('day', least(?1, now() - make_interval(hours => 24 * keep_days)), 'UTC'), "
    "(SELECT refused FROM audit_cleanups ORDER BY id DESC LIMIT 1) FROM audit_store";

static enum trail_err read_cut_off(struct postgresql_store *store, struct store_value *cut_off,
                                   char ret_refused[CLEANUP_REASON_SIZE], struct trail_error *ret_error)
{
    const struct pg_statement read = { cut_off_sql, cut_off, 1 };
    PGresult                 *row = NULL;
    enum trail_err            err = pg_read(&store->connection, &read, false, &row, ret_error);
    if (err == TRAIL_OK && PQntuples(row) != 1)
        err = error_set(ret_error, TRAIL_ECORRUPT, 0, "audit_store has not one row");
    if (err == TRAIL_OK) {
        struct store_value refused = pg_value(row, 0, 1);
        cut_off->integer = pg_value(row, 0, 0).integer;
        if (refused.kind == STORE_TEXT)
            snprintf(ret_refused, CLEANUP_REASON_SIZE, "%.*s", (int)refused.text.size, refused.text.data);
    }
    PQclear(row);
    return err;
}

static enum trail_err add_number(struct postgresql_store *store, const struct number *number,
                                 const struct store_value values[2], struct cleanup_forecast *forecast,
                                 struct trail_error *ret_error)
{
    bool                      with_host = number->offset == WORK(writers);
    const struct pg_statement count = { number->sql, values, with_host ? 2 : 1 };
    PGresult                 *row = NULL;
    enum trail_err            err = pg_read(&store->connection, &count, false, &row, ret_error);
    if (err == TRAIL_OK)
        *(int64_t *)(void *)((char *)forecast + number->offset) += pg_value(row, 0, 0).integer; /* NULL reads as 0. */
    PQclear(row);
    return err;
}

enum trail_err postgresql_forecast(struct store *base, int64_t cut_off_us, struct trail_text host,
                                   struct cleanup_forecast *ret_forecast, struct trail_error *ret_error)
{
    struct postgresql_store *store = postgresql_store_of(base);
    struct cleanup_forecast  forecast = { 0 };
    struct store_value       values[] = {
              { .kind = STORE_TIME, .integer = cut_off_us },
              { .kind = STORE_TEXT, .text = host },
    };
    enum trail_err err = read_cut_off(store, &values[0], forecast.refused, ret_error);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0] && err == TRAIL_OK; i++)
        err = add_number(store, &numbers[i], values, &forecast, ret_error);
    if (err == TRAIL_OK)
        *ret_forecast = forecast;
    return err;
}
