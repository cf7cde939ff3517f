/* postgresql_cleanup.c -- claims a run of the clean-up, and ends it.
 *
 * Layout: one row of audit_cleanups per run. Validity: the run whose row is the newest leads. A claim holds the lock of
 * clean-ups while it looks at the newest row and puts its own there, so one of many processes gets it. Recovery: a run
 * without finished_at whose process is gone is replaced by the next; what it was at stands in the database. */
#include "store/postgresql_cleanup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_US (INT64_C(86400) * 1000000)

enum past_column {
    PAST_STARTED,
    PAST_FINISHED,
    PAST_ACTIVE,
    PAST_BOOT,
    PAST_BOOT_AT,
    PAST_REFUSED,
    PAST_BATCH,
    PAST_STORE,
    PAST_KEEP_DAYS
};

/* One row, in the order of enum past_column, whether there was a run or not. */
static const char past_sql[] =
    "SELECT c.started_at, c.finished_at IS NOT NULL, "
    "coalesce(c.finished_at, c.started_at + c.duration * interval '1 microsecond'), c.boot, c.boot_at, c.refused, "
    "b.recorded_at, clock_timestamp(), s.keep_days::bigint FROM audit_store s "
    "LEFT JOIN LATERAL (SELECT * FROM audit_cleanups ORDER BY id DESC LIMIT 1) c ON true "
    "LEFT JOIN LATERAL (SELECT recorded_at FROM audit_batches ORDER BY id DESC LIMIT 1) b ON true";

static const char claim_sql[] =
    "INSERT INTO audit_cleanups (started_at, finished_at, cut_off, service, host, pid, boot, boot_at, refused) "
    "VALUES (?1, CASE WHEN ?8::text IS NOT NULL THEN ?1 END, ?2, ?3, ?4, ?5, ?6, ?7, ?8) RETURNING id";

static const char end_sql[] = "SELECT audit_end_cleanup(?1, ?2, ?3, ?4::integer)";

int64_t postgresql_day_of(int64_t time_us)
{
    int64_t into = time_us % DAY_US;
    return time_us - (into < 0 ? into + DAY_US : into);
}

/* ---- What there was ---- */

struct past {
    struct cleanup_past judged;
    int64_t             keep_days;
};

static void take_past(const PGresult *row, struct past *ret_past)
{
    struct cleanup_past *past = &ret_past->judged;
    *ret_past = (struct past){ 0 };
    past->any = pg_value(row, 0, PAST_STARTED).kind != STORE_NULL;
    past->started_us = pg_value(row, 0, PAST_STARTED).integer;
    past->finished = pg_value(row, 0, PAST_FINISHED).integer != 0;
    past->active_us = pg_value(row, 0, PAST_ACTIVE).integer;
    struct store_value boot = pg_value(row, 0, PAST_BOOT);
    if (boot.kind == STORE_BLOB && boot.text.size == sizeof past->boot.bytes)
        memcpy(past->boot.bytes, boot.text.data, sizeof past->boot.bytes);
    past->boot_us = pg_value(row, 0, PAST_BOOT_AT).integer;
    struct store_value refused = pg_value(row, 0, PAST_REFUSED);
    if (refused.kind == STORE_TEXT)
        snprintf(past->refused, sizeof past->refused, "%.*s", (int)refused.text.size, refused.text.data);
    past->any_batch = pg_value(row, 0, PAST_BATCH).kind != STORE_NULL;
    past->batch_us = pg_value(row, 0, PAST_BATCH).integer;
    past->store_us = pg_value(row, 0, PAST_STORE).integer;
    ret_past->keep_days = pg_value(row, 0, PAST_KEEP_DAYS).integer;
}

static enum trail_err check_row(const PGresult *row, struct trail_error *ret_error)
{
    return PQntuples(row) == 1 ? TRAIL_OK : error_set(ret_error, TRAIL_ECORRUPT, 0, "audit_store has not one row");
}

/* Without a lock. */
static enum trail_err read_past(struct postgresql_store *store, struct past *ret_past, struct trail_error *ret_error)
{
    const struct pg_statement read = { past_sql, NULL, 0 };
    PGresult                 *row = NULL;
    enum trail_err            err = pg_read(&store->connection, &read, false, &row, ret_error);
    if (err == TRAIL_OK)
        err = check_row(row, ret_error);
    if (err == TRAIL_OK)
        take_past(row, ret_past);
    PQclear(row);
    return err;
}

/* ---- The claim ---- */

/* Whole days, and nothing that the owner of the database has said to keep. */
static int64_t cut_off_of(const struct store_cleanup_request *request, const struct past *past)
{
    int64_t allowed_us = past->judged.store_us - past->keep_days * DAY_US;
    return postgresql_day_of(request->cut_off_us < allowed_us ? request->cut_off_us : allowed_us);
}

static struct store_value text_value(struct trail_text text)
{
    return (struct store_value){ .kind = text.size > 0 ? STORE_TEXT : STORE_NULL, .text = text };
}

static enum trail_err insert_run(struct postgresql_store *store, const struct store_cleanup_request *request,
                                 const struct past *past, const struct cleanup_answer *answer, int64_t *ret_row,
                                 struct trail_error *ret_error)
{
    const struct trail_text  boot = { (const char *)request->boot.bytes, sizeof request->boot.bytes };
    const struct store_value values[] = {
        { .kind = STORE_TIME, .integer = request->now_us },
        { .kind = STORE_TIME, .integer = cut_off_of(request, past) },
        text_value(request->service),
        text_value(request->host),
        { .kind = STORE_INTEGER, .integer = request->pid },
        { .kind = STORE_BLOB, .text = boot },
        { .kind = STORE_INTEGER, .integer = request->boot_us },
        text_value(trail_str(answer->verdict == CLEANUP_REFUSED ? answer->reason : "")),
    };
    const struct pg_statement insert = { claim_sql, values, sizeof values / sizeof values[0] };
    PGresult                 *row = NULL;
    enum trail_err            err = pg_run_with(&store->connection, &insert, "begin a clean-up of", &row, ret_error);
    if (err == TRAIL_OK)
        *ret_row = pg_value(row, 0, 0).integer;
    PQclear(row);
    return err;
}

/* The lock is held: look again, and put our row there if nobody else was quicker. */
static enum trail_err judge_and_insert(struct postgresql_store *store, const struct store_cleanup_request *request,
                                       struct cleanup_answer *ret_answer, int64_t *ret_row,
                                       struct trail_error *ret_error)
{
    const struct pg_statement read = { past_sql, NULL, 0 };
    struct past               past;
    PGresult                 *row = NULL;
    enum trail_err            err = pg_run_with(&store->connection, &read, "read about clean-ups of", &row, ret_error);
    if (err == TRAIL_OK)
        err = check_row(row, ret_error);
    if (err == TRAIL_OK)
        take_past(row, &past);
    PQclear(row);
    if (err != TRAIL_OK)
        return err;
    cleanup_judge(&past.judged, request, ret_answer);
    if (ret_answer->verdict == CLEANUP_CLAIMED || ret_answer->verdict == CLEANUP_REFUSED)
        err = insert_run(store, request, &past, ret_answer, ret_row, ret_error);
    return err;
}

static enum trail_err claim_run(struct postgresql_store *store, const struct store_cleanup_request *request,
                                struct cleanup_answer *ret_answer, int64_t *ret_row, struct trail_error *ret_error)
{
    char sql[512];
    snprintf(sql, sizeof sql, PG_BEGIN "SELECT pg_advisory_xact_lock(%d, %d)", PG_LOCK_CLASS, (int)PG_LOCK_CLEANUP);
    enum trail_err err = pg_run(&store->connection, sql, "lock for a clean-up of", NULL, 0, ret_error);
    if (err == TRAIL_OK)
        err = judge_and_insert(store, request, ret_answer, ret_row, ret_error);
    if (err == TRAIL_OK)
        err = pg_run(&store->connection, "COMMIT", "begin a clean-up of", NULL, 0, ret_error);
    if (err != TRAIL_OK)
        pg_rollback(&store->connection);
    return err;
}

static struct postgresql_cleanup *new_run(const struct store_cleanup_request *request)
{
    struct postgresql_cleanup *cleanup = calloc(1, sizeof *cleanup);
    if (cleanup == NULL)
        return NULL;
    *cleanup = (struct postgresql_cleanup){
        .base.backend = &postgresql_backend,
        .rows_max = request->rows_max < INT32_MAX ? (int64_t)request->rows_max : INT32_MAX,
        .may_live = request->may_live,
        .context = request->context,
    };
    snprintf(cleanup->host, sizeof cleanup->host, "%.*s", (int)request->host.size,
             request->host.size > 0 ? request->host.data : "");
    return cleanup;
}

enum trail_err postgresql_cleanup_begin(struct store *base, const struct store_cleanup_request *request,
                                        struct cleanup_answer *ret_answer, struct store_cleanup **ret_cleanup,
                                        struct trail_error *ret_error)
{
    struct postgresql_store *store = postgresql_store_of(base);
    struct past              past;
    enum trail_err           err = read_past(store, &past, ret_error);
    if (err != TRAIL_OK)
        return err;
    cleanup_judge(&past.judged, request, ret_answer);
    if (ret_answer->verdict == CLEANUP_NOT_DUE || ret_answer->verdict == CLEANUP_STILL_REFUSED)
        return TRAIL_OK; /* Most looks end here, without a lock. */

    struct postgresql_cleanup *cleanup = new_run(request);
    if (cleanup == NULL)
        return error_set(ret_error, TRAIL_ENOMEM, 0, "no memory for a clean-up");
    struct cleanup_answer answer;
    err = claim_run(store, request, &answer, &cleanup->row, ret_error);
    if (err == TRAIL_OK)
        *ret_answer = answer;
    if (err == TRAIL_OK && answer.verdict == CLEANUP_CLAIMED)
        *ret_cleanup = &cleanup->base;
    else
        postgresql_cleanup_free(&cleanup->base);
    return err;
}

/* ---- The end ---- */

enum trail_err postgresql_cleanup_end(struct store *base, struct store_cleanup *run, int64_t now_us, int64_t elapsed_us,
                                      struct trail_error *ret_error)
{
    const struct postgresql_cleanup *cleanup = (const struct postgresql_cleanup *)run; /* base is the first member. */
    const struct store_value         values[] = {
                { .kind = STORE_INTEGER, .integer = cleanup->row },
                { .kind = STORE_INTEGER, .integer = elapsed_us },
                { .kind = STORE_TIME, .integer = now_us },
                { .kind = STORE_INTEGER, .integer = POSTGRESQL_CLEANUPS_KEPT },
    };
    const struct pg_statement end = { end_sql, values, sizeof values / sizeof values[0] };
    PGresult                 *row = NULL;
    enum trail_err            err =
        pg_run_together(&postgresql_store_of(base)->connection, &end, 1, "end a clean-up of", &row, ret_error);
    PQclear(row);
    return err;
}

void postgresql_cleanup_free(struct store_cleanup *cleanup)
{
    free(cleanup);
}
