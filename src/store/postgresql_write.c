/* postgresql_write.c -- one batch in one transaction, begun by the fence.
 *
 * Layout of the transaction: fence, generation, COPY of the facts, COPY of the strays, dead letters, ledger row,
 * accounting, COMMIT. Validity: the fence moved last_seq from first_seq - 1; otherwise nothing is written and the caller
 * learns where the writer stands. Recovery: all or nothing; after a failure whose outcome is unknown the next fence
 * tells.
 *
 * Three round trips: everything up to the open COPY; its bytes and its end; everything from the ledger row to COMMIT.
 * One more before them when the batch has references that no cache knows, two more between them when it has both facts
 * and strays, one for each dead letter. Days are asked for before the transaction (postgresql_days.c).
 *
 * When a clean-up deleted references since ours were looked up, or dropped a day that we know, the batch is rolled back,
 * what is remembered is forgotten, and it is begun anew. */
#include "store/postgresql_store.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "event/operation.h"

/* Bytes of a COPY that are handed to libpq at a time: large enough for few calls, small beside the longest event. */
#define PIECE_BYTES ((size_t)64 * 1024)

/* Of a row whose day has no partition, and of a row that a CHECK refuses. */
#define SQLSTATE_CHECK "23514"

/* The batch in its transaction. */
struct postgresql_batch {
    const struct store_batch *batch;
    int32_t                   writer;      /* audit_writers.id */
    size_t                    stray_count; /* Of the events. */
    int64_t                   min_timestamp_us;
    int64_t                   max_timestamp_us;
    uint64_t                  stored[TRAIL_OPERATION_COUNT]; /* Index 0: control records. */
    uint64_t                  dead_lettered[TRAIL_OPERATION_COUNT];
};

static enum trail_err no_memory(struct trail_error *ret_error)
{
    return error_set(ret_error, TRAIL_ENOMEM, 0, "no memory for a batch");
}

/* Run what stands in store->sql. */
static enum trail_err run_scratch(struct postgresql_store *store, PGresult *results[], size_t result_max,
                                  struct trail_error *ret_error)
{
    buf_append(&store->sql, "", 1);
    if (buf_failed(&store->sql))
        return no_memory(ret_error);
    return pg_run(&store->connection, store->sql.data, "store a batch in", results, result_max, ret_error);
}

static void clear_all(PGresult *results[], size_t count)
{
    for (size_t i = 0; i < count; i++)
        PQclear(results[i]);
}

/* ---- The writer's row ---- */

static enum trail_err no_row(struct postgresql_store *store, const struct uuid *uuid, struct trail_error *ret_error)
{
    char text[UUID_TEXT_SIZE];
    uuid_format(uuid, text);
    store->connection.broken = true; /* The drain opens again, and that adds the row. */
    return error_set(ret_error, TRAIL_EAWAY, 0, "the writer %s has no row in %s", text, store->connection.name);
}

static struct store_value blob_of(const struct uuid *uuid)
{
    return (struct store_value){ .kind = STORE_BLOB, .text = { (const char *)uuid->bytes, sizeof uuid->bytes } };
}

static struct store_value text_value(struct trail_text text)
{
    return text.size == 0 ? (struct store_value){ .kind = STORE_NULL }
                          : (struct store_value){ .kind = STORE_TEXT, .text = text };
}

static struct store_value number_value(enum store_value_kind kind, int64_t number)
{
    return (struct store_value){ .kind = kind, .integer = number };
}

enum trail_err postgresql_writer_add(struct store *base, const struct store_writer *writer, uint64_t *ret_last_seq,
                                     struct trail_error *ret_error)
{
    struct postgresql_store *store = postgresql_store_of(base);
    const struct store_value values[] = {
        blob_of(&writer->uuid),
        number_value(STORE_INTEGER, uuid_hash32(&writer->uuid)),
        text_value(writer->service),
        text_value(writer->host),
        text_value(writer->version),
        number_value(STORE_INTEGER, writer->pid),
        number_value(STORE_TIME, writer->started_us),
    };
    const struct pg_statement statements[] = {
        /* A conflict uses up an id, and a writer comes back whenever the connection was lost. */
        { "INSERT INTO audit_writers (uuid, id_hash, last_seq, service, host, version, pid, started_at)"
          " SELECT ?1, ?2, 0, ?3::text, ?4::text, ?5::text, ?6, ?7"
          " WHERE NOT EXISTS (SELECT FROM audit_writers WHERE uuid = ?1) ON CONFLICT (uuid) DO NOTHING",
          values, sizeof values / sizeof values[0] },
        { "SELECT last_seq FROM audit_writers WHERE uuid = ?1", values, 1 },
    };
    PGresult      *results[2];
    enum trail_err err = pg_run_together(&store->connection, statements, 2, "add a writer to", results, ret_error);
    if (err != TRAIL_OK)
        return err;
    if (PQntuples(results[1]) == 1)
        *ret_last_seq = (uint64_t)pg_value(results[1], 0, 0).integer;
    else
        err = no_row(store, &writer->uuid, ret_error);
    clear_all(results, 2);
    return err;
}

/* ---- The fence ---- */

static bool moves_writer(const struct store_batch *batch)
{
    return batch->first_seq <= batch->last_seq;
}

/* In no transaction of the batch's: it was rolled back. */
static enum trail_err fenced_off(struct postgresql_store *store, const struct store_batch *batch,
                                 uint64_t *ret_last_seq, struct trail_error *ret_error)
{
    const struct store_value  uuid = blob_of(batch->writer);
    const struct pg_statement find = { "SELECT last_seq FROM audit_writers WHERE uuid = ?1", &uuid, 1 };
    PGresult                 *row;
    enum trail_err            err = pg_run_together(&store->connection, &find, 1, "find a writer in", &row, ret_error);
    if (err != TRAIL_OK)
        return err;
    bool found = PQntuples(row) == 1;
    if (found)
        *ret_last_seq = (uint64_t)pg_value(row, 0, 0).integer;
    PQclear(row);
    if (!found)
        return no_row(store, batch->writer, ret_error);
    return error_set(ret_error, TRAIL_EFENCE, 0, "the writer stands at %" PRIu64 ", not before %" PRIu64, *ret_last_seq,
                     batch->first_seq);
}

static bool first_are_strays(const struct postgresql_batch *run)
{
    return run->stray_count == run->batch->event_count;
}

static const char *copy_sql(bool strays)
{
    return strays ? "COPY audit_events_stray FROM STDIN (FORMAT binary)"
                  : "COPY audit_events FROM STDIN (FORMAT binary)";
}

/* The first message: BEGIN, fence, and for events the generation under its lock, and an open COPY. Answers by where
 * they stand in it. */
enum { ANSWER_WRITER = PG_BEGIN_RESULTS, ANSWER_LOCK, ANSWER_GENERATION, ANSWER_COPY, ANSWER_COUNT };

static void write_first_message(struct postgresql_store *store, const struct postgresql_batch *run)
{
    const struct store_batch *batch = run->batch;
    struct buf               *sql = &store->sql;
    char                      uuid[UUID_TEXT_SIZE];
    uuid_format(batch->writer, uuid);
    buf_clear(sql);
    buf_append_string(sql, PG_BEGIN);
    if (moves_writer(batch))
        buf_printf(sql,
                   "UPDATE audit_writers SET last_seq = %" PRIu64 " WHERE uuid = '%s' AND last_seq = %" PRIu64
                   " RETURNING id, last_seq; ",
                   batch->last_seq, uuid, batch->first_seq - 1);
    else
        buf_printf(sql, "SELECT id, last_seq FROM audit_writers WHERE uuid = '%s'; ", uuid);
    if (batch->event_count > 0)
        buf_printf(sql,
                   "SELECT pg_advisory_xact_lock_shared(%d, %d); SELECT dims_generation FROM audit_store WHERE id = 1; "
                   "%s",
                   PG_LOCK_CLASS, PG_LOCK_REFERENCES, copy_sql(first_are_strays(run)));
}

/* *ret_passed: the transaction is open and may go on. *ret_changed: a clean-up deleted references since ours were looked
 * up; they are forgotten. */
static enum trail_err begin_batch(struct postgresql_store *store, struct postgresql_batch *run, bool *ret_passed,
                                  bool *ret_changed, uint64_t *ret_last_seq, struct trail_error *ret_error)
{
    PGresult *answers[ANSWER_COUNT];
    write_first_message(store, run);
    enum trail_err err = run_scratch(store, answers, ANSWER_COUNT, ret_error);
    if (err != TRAIL_OK)
        return err;
    run->writer = (int32_t)pg_number(answers[ANSWER_WRITER], 0, 0, 0);
    *ret_last_seq = (uint64_t)pg_number(answers[ANSWER_WRITER], 0, 1, 0);
    int64_t generation = pg_number(answers[ANSWER_GENERATION], 0, 0, 0);
    clear_all(answers, ANSWER_COUNT);

    *ret_changed = run->batch->event_count > 0 && generation != store->dims_generation;
    *ret_passed = run->writer != 0 && !*ret_changed;
    if (*ret_changed) {
        resolver_forget(&store->resolver);
        store->dims_generation = generation;
    }
    if (!*ret_passed && run->batch->event_count > 0)
        err = pg_copy_end(&store->connection, "the batch is not stored", ret_error);
    return err;
}

/* ---- Rows ---- */

/* The counter that an event goes to. */
static size_t account_of(enum trail_operation operation, bool control)
{
    return control || (size_t)operation >= TRAIL_OPERATION_COUNT ? 0 : (size_t)operation;
}

static bool is_stray(const struct postgresql_store *store, const struct event_record *record)
{
    return !postgresql_days_has(store, record->event.timestamp_us);
}

static void survey_events(const struct postgresql_store *store, struct postgresql_batch *run)
{
    for (size_t i = 0; i < run->batch->event_count; i++) {
        const struct event_record *record = &run->batch->events[i];
        int64_t                    at_us = record->event.timestamp_us;
        run->min_timestamp_us = i == 0 || at_us < run->min_timestamp_us ? at_us : run->min_timestamp_us;
        run->max_timestamp_us = i == 0 || at_us > run->max_timestamp_us ? at_us : run->max_timestamp_us;
        run->stored[account_of(record->event.operation, (record->flags & TRAIL_FLAG_CONTROL) != 0)]++;
        run->stray_count += is_stray(store, record);
    }
}

static enum trail_err flush_piece(struct postgresql_store *store, struct trail_error *ret_error)
{
    if (buf_failed(&store->copy))
        return no_memory(ret_error);
    enum trail_err err = pg_copy_bytes(&store->connection, store->copy.data, store->copy.size, ret_error);
    buf_clear(&store->copy);
    return err;
}

/* The server named a row of this COPY: which event is it? */
static uint64_t seq_of_row(const struct postgresql_store *store, const struct store_batch *batch, bool strays,
                           uint64_t row)
{
    for (size_t i = 0; row > 0 && i < batch->event_count; i++) {
        if (is_stray(store, &batch->events[i]) == strays && --row == 0)
            return batch->events[i].seq;
    }
    return 0;
}

/* A COPY is open: send these events, and end it. */
static enum trail_err copy_events(struct postgresql_store *store, const struct postgresql_batch *run, bool strays,
                                  struct trail_error *ret_error)
{
    const struct store_batch *batch = run->batch;
    enum trail_err            err = TRAIL_OK;
    buf_clear(&store->copy);
    postgresql_copy_begin(&store->copy);
    for (size_t i = 0; err == TRAIL_OK && i < batch->event_count; i++) {
        if (is_stray(store, &batch->events[i]) != strays)
            continue;
        postgresql_copy_event(&store->copy, run->writer, &batch->events[i], &store->resolver.ids[i]);
        if (store->copy.size >= PIECE_BYTES || buf_failed(&store->copy))
            err = flush_piece(store, ret_error);
    }
    postgresql_copy_end(&store->copy);
    if (err == TRAIL_OK)
        err = flush_piece(store, ret_error);
    if (err == TRAIL_ENOMEM && pg_copy_end(&store->connection, "no memory", NULL) != TRAIL_OK)
        return err; /* The connection is broken: whoever rolls back sees it. */
    if (err != TRAIL_OK)
        return err;
    err = pg_copy_end(&store->connection, NULL, ret_error);
    if (err == TRAIL_EDATA && ret_error != NULL)
        ret_error->offset = seq_of_row(store, batch, strays, store->connection.error_row);
    return err;
}

static enum trail_err copy_all(struct postgresql_store *store, const struct postgresql_batch *run,
                               struct trail_error *ret_error)
{
    bool           strays = first_are_strays(run);
    enum trail_err err = copy_events(store, run, strays, ret_error);
    if (err != TRAIL_OK || strays || run->stray_count == 0)
        return err;
    err = pg_run(&store->connection, copy_sql(true), "store a batch in", NULL, 0, ret_error);
    return err == TRAIL_OK ? copy_events(store, run, true, ret_error) : err;
}

static enum trail_err insert_dead_letters(struct postgresql_store *store, struct postgresql_batch *run,
                                          struct trail_error *ret_error)
{
    const struct store_batch *batch = run->batch;
    enum trail_err            err = TRAIL_OK;
    for (size_t i = 0; err == TRAIL_OK && i < batch->dead_letter_count; i++) {
        const struct store_dead_letter *letter = &batch->dead_letters[i];
        const struct store_value        values[] = {
                   number_value(STORE_INTEGER, run->writer),
                   number_value(STORE_INTEGER, (int64_t)letter->seq),
                   number_value(STORE_TIME, batch->recorded_at_us),
                   text_value(letter->error),
                   text_value(letter->event_json),
        };
        const struct pg_statement insert = {
            "INSERT INTO audit_dead_letters (writer, seq, recorded_at, error, event)"
            " VALUES (?1::bigint::integer, ?2, ?3, ?4, ?5)",
            values,
            sizeof values / sizeof values[0],
        };
        err = pg_run_with(&store->connection, &insert, "store a dead letter in", NULL, ret_error);
        run->dead_lettered[account_of(letter->operation, letter->control)]++;
    }
    return err;
}

/* ---- The last message ---- */

/* Exact: these numbers are below 2^53, and what is multiplied is one microsecond. */
static void append_time(struct buf *sql, int64_t us)
{
    buf_printf(sql, "timestamptz 'epoch' + %" PRId64 " * interval '1 microsecond'", us);
}

static void append_ledger_row(struct buf *sql, const struct postgresql_batch *run)
{
    const struct store_batch *batch = run->batch;
    buf_printf(sql,
               "INSERT INTO audit_batches (writer, first_seq, last_seq, event_count, min_timestamp, max_timestamp,"
               " recorded_at) VALUES (%d, %" PRIu64 ", %" PRIu64 ", %zu, ",
               run->writer, batch->first_seq, batch->last_seq, batch->event_count);
    if (batch->event_count > 0) {
        append_time(sql, run->min_timestamp_us);
        buf_append_string(sql, ", ");
        append_time(sql, run->max_timestamp_us);
        buf_append_string(sql, ", ");
    } else {
        buf_append_string(sql, "NULL, NULL, ");
    }
    append_time(sql, batch->recorded_at_us);
    buf_append_string(sql, "); ");
}

/* Only what the writer counted so far: another total of its own that is larger is the newer one. */
static void append_accounts(struct buf *sql, const struct postgresql_batch *run)
{
    static const struct trail_account nothing = { 0 };
    const char                       *separator =
        "INSERT INTO audit_accounting AS a (writer, operation, stored, dead_lettered, level, excluded, sampled, rejected,"
        " dropped) VALUES ";
    bool any = false;
    for (int i = 0; i < TRAIL_OPERATION_COUNT; i++) {
        const struct trail_account *now = run->batch->accounts != NULL ? &run->batch->accounts[i] : &nothing;
        uint64_t                    refusals = now->level | now->excluded | now->sampled | now->rejected | now->dropped;
        if ((run->stored[i] | run->dead_lettered[i] | refusals) == 0)
            continue;
        buf_printf(sql,
                   "%s(%d, %d, %" PRIu64 ", %" PRIu64 ", %" PRIu64 ", %" PRIu64 ", %" PRIu64 ", %" PRIu64 ", %" PRIu64
                   ")",
                   separator, run->writer, i, run->stored[i], run->dead_lettered[i], now->level, now->excluded,
                   now->sampled, now->rejected, now->dropped);
        separator = ", ";
        any = true;
    }
    if (any) /* Rows in which nothing grew are left alone. */
        buf_append_string(
            sql, " ON CONFLICT (writer, operation) DO UPDATE SET stored = a.stored + excluded.stored,"
                 " dead_lettered = a.dead_lettered + excluded.dead_lettered, level = greatest(a.level, excluded.level),"
                 " excluded = greatest(a.excluded, excluded.excluded), sampled = greatest(a.sampled, excluded.sampled),"
                 " rejected = greatest(a.rejected, excluded.rejected), dropped = greatest(a.dropped, excluded.dropped)"
                 " WHERE excluded.stored + excluded.dead_lettered > 0 OR excluded.level > a.level"
                 " OR excluded.excluded > a.excluded OR excluded.sampled > a.sampled"
                 " OR excluded.rejected > a.rejected OR excluded.dropped > a.dropped; ");
}

static enum trail_err finish_batch(struct postgresql_store *store, const struct postgresql_batch *run,
                                   struct trail_error *ret_error)
{
    buf_clear(&store->sql);
    if (moves_writer(run->batch))
        append_ledger_row(&store->sql, run);
    append_accounts(&store->sql, run);
    buf_append_string(&store->sql, "COMMIT");
    return run_scratch(store, NULL, 0, ret_error);
}

/* ---- The transaction ---- */

/* What a batch finds out on its way. */
struct outcome {
    bool     passed;
    bool     changed; /* To be begun anew. */
    uint64_t last_seq;
};

static enum trail_err write_rows(struct postgresql_store *store, struct postgresql_batch *run, struct outcome *outcome,
                                 struct trail_error *ret_error)
{
    enum trail_err err = begin_batch(store, run, &outcome->passed, &outcome->changed, &outcome->last_seq, ret_error);
    if (err != TRAIL_OK || !outcome->passed)
        return err;
    if (run->batch->event_count > 0)
        err = copy_all(store, run, ret_error);
    if (err == TRAIL_OK)
        err = insert_dead_letters(store, run, ret_error);
    return err == TRAIL_OK ? finish_batch(store, run, ret_error) : err;
}

static enum trail_err try_batch(struct postgresql_store *store, const struct store_batch *batch,
                                struct outcome *outcome, struct trail_error *ret_error)
{
    struct postgresql_batch run = { .batch = batch };
    *outcome = (struct outcome){ .last_seq = batch->last_seq };

    enum trail_err err = pg_check_usable(&store->connection, ret_error);
    if (err == TRAIL_OK && batch->event_count > 0)
        err = postgresql_days_prepare(store, batch->events, batch->event_count, ret_error);
    if (err == TRAIL_OK)
        err = postgresql_refs_resolve(store, batch->events, batch->event_count, ret_error);
    if (err != TRAIL_OK)
        return err;
    survey_events(store, &run);
    err = write_rows(store, &run, outcome, ret_error);
    if (err != TRAIL_OK || !outcome->passed)
        pg_rollback(&store->connection);
    if (err == TRAIL_OK && !outcome->passed && !outcome->changed)
        err = fenced_off(store, batch, &outcome->last_seq, ret_error);
    return err;
}

/* A day that we know may have been dropped. A CHECK of somebody's answers in the same way, so only once. */
static bool may_be_a_dropped_day(struct postgresql_store *store, enum trail_err err, bool *forgotten)
{
    if (err != TRAIL_EDATA || *forgotten || strcmp(store->connection.sqlstate, SQLSTATE_CHECK) != 0)
        return false;
    postgresql_days_forget(store);
    *forgotten = true;
    return true;
}

enum trail_err postgresql_write(struct store *base, const struct store_batch *batch, uint64_t *ret_last_seq,
                                struct trail_error *ret_error)
{
    struct postgresql_store *store = postgresql_store_of(base);
    struct outcome           outcome = { .changed = true };
    enum trail_err           err = TRAIL_OK;
    bool                     forgotten = false;
    for (int tries = 0; err == TRAIL_OK && outcome.changed && tries < POSTGRESQL_TRIES_MAX; tries++) {
        err = try_batch(store, batch, &outcome, ret_error);
        if (may_be_a_dropped_day(store, err, &forgotten)) {
            err = TRAIL_OK;
            outcome.changed = true;
        }
    }
    if (err == TRAIL_OK && outcome.changed)
        err = error_set(ret_error, TRAIL_EAWAY, 0, "references in %s keep being deleted", store->connection.name);
    if (err == TRAIL_OK || err == TRAIL_EFENCE)
        *ret_last_seq = outcome.last_seq;
    return err;
}
