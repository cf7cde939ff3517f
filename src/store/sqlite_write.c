/* sqlite_write.c -- one batch in one transaction, begun by the fence.
 *
 * Layout of the transaction: fence, generation, facts and payloads, dead letters, ledger row, accounting, COMMIT.
 * Validity: the fence moved last_seq from first_seq - 1; otherwise nothing is written and the caller learns where the
 * writer stands. Recovery: all or nothing; after a failure whose outcome is unknown the next fence tells.
 *
 * References are resolved before, in sqlite_refs.c. When a clean-up deleted some in between, the generation differs:
 * roll back, forget, resolve again. */
#include "store/sqlite_store.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "event/operation.h"

/* The batch in its transaction. */
struct sqlite_batch {
    const struct store_batch *batch;
    int64_t                   writer; /* audit_writers.id */
    int64_t                   min_timestamp_us;
    int64_t                   max_timestamp_us;
    uint64_t                  stored[TRAIL_OPERATION_COUNT]; /* Index 0: control records. */
    uint64_t                  dead_lettered[TRAIL_OPERATION_COUNT];
};

/* ---- The writer's row ---- */

static enum trail_err find_writer(struct sqlite_store *store, const struct uuid *uuid, int64_t ret_row[2],
                                  struct trail_error *ret_error)
{
    bool found;
    sqlite3_bind_blob(store->statements[SQLITE_STATEMENT_WRITER_FIND], 1, uuid->bytes, sizeof uuid->bytes,
                      SQLITE_STATIC);
    enum trail_err err = sqlite_run_integers(store, SQLITE_STATEMENT_WRITER_FIND, ret_row, &found, ret_error);
    if (err != TRAIL_OK || found)
        return err;
    char text[UUID_TEXT_SIZE];
    uuid_format(uuid, text);
    store->broken = true; /* The drain opens again, and that adds the row. */
    return error_set(ret_error, TRAIL_EAWAY, 0, "the writer %s has no row in %s", text, store->path);
}

enum trail_err sqlite_writer_add(struct store *base, const struct store_writer *writer, uint64_t *ret_last_seq,
                                 struct trail_error *ret_error)
{
    struct sqlite_store *store = sqlite_store_of(base);
    enum trail_err       err = sqlite_check_usable(store, ret_error);
    if (err != TRAIL_OK)
        return err;

    sqlite3_stmt *add = store->statements[SQLITE_STATEMENT_WRITER_ADD];
    sqlite3_bind_blob(add, 1, writer->uuid.bytes, sizeof writer->uuid.bytes, SQLITE_STATIC);
    sqlite3_bind_int64(add, 2, uuid_hash32(&writer->uuid));
    sqlite_bind_text(add, 3, writer->service);
    sqlite_bind_text(add, 4, writer->host);
    sqlite3_bind_int64(add, 5, writer->pid);
    sqlite_bind_text(add, 6, writer->version);
    sqlite3_bind_int64(add, 7, writer->started_us);
    err = sqlite_run(store, SQLITE_STATEMENT_WRITER_ADD, "add a writer", ret_error);

    int64_t row[2] = { 0 };
    if (err == TRAIL_OK)
        err = find_writer(store, &writer->uuid, row, ret_error);
    if (err == TRAIL_OK)
        *ret_last_seq = (uint64_t)row[1];
    return err;
}

/* ---- The fence ---- */

static bool moves_writer(const struct store_batch *batch)
{
    return batch->first_seq <= batch->last_seq;
}

static enum trail_err fenced_off(struct sqlite_store *store, const struct store_batch *batch, uint64_t *ret_last_seq,
                                 struct trail_error *ret_error)
{
    int64_t        row[2];
    enum trail_err err = find_writer(store, batch->writer, row, ret_error);
    if (err != TRAIL_OK)
        return err;
    *ret_last_seq = (uint64_t)row[1];
    return error_set(ret_error, TRAIL_EFENCE, 0, "the writer stands at %llu, not before %llu",
                     (unsigned long long)row[1], (unsigned long long)batch->first_seq);
}

/* The first statement of every transaction that stores events. */
static enum trail_err pass_fence(struct sqlite_store *store, struct sqlite_batch *run, uint64_t *ret_last_seq,
                                 struct trail_error *ret_error)
{
    const struct store_batch *batch = run->batch;
    int64_t                   row[2] = { 0 };
    if (!moves_writer(batch)) {
        enum trail_err err = find_writer(store, batch->writer, row, ret_error);
        run->writer = row[0];
        *ret_last_seq = (uint64_t)row[1];
        return err;
    }

    bool          passed;
    sqlite3_stmt *fence = store->statements[SQLITE_STATEMENT_FENCE];
    sqlite3_bind_int64(fence, 1, (int64_t)batch->last_seq);
    sqlite3_bind_blob(fence, 2, batch->writer->bytes, sizeof batch->writer->bytes, SQLITE_STATIC);
    sqlite3_bind_int64(fence, 3, (int64_t)batch->first_seq - 1);
    enum trail_err err = sqlite_run_integers(store, SQLITE_STATEMENT_FENCE, row, &passed, ret_error);
    if (err == TRAIL_OK && !passed)
        err = fenced_off(store, batch, ret_last_seq, ret_error);
    run->writer = row[0];
    return err;
}

/* ---- Rows ---- */

/* The counter that an event goes to. */
static size_t account_of(enum trail_operation operation, bool control)
{
    return control || (size_t)operation >= TRAIL_OPERATION_COUNT ? 0 : (size_t)operation;
}

static enum trail_err insert_payload(struct sqlite_store *store, const struct trail_event *event,
                                     struct trail_error *ret_error)
{
    if (event->old_values.size == 0 && event->new_values.size == 0 && event->changes.size == 0 &&
        event->context.size == 0 && event->delegation_chain.size == 0)
        return TRAIL_OK;
    sqlite3_stmt *insert = store->statements[SQLITE_STATEMENT_PAYLOAD];
    sqlite3_bind_int64(insert, 1, sqlite3_last_insert_rowid(store->db));
    sqlite_bind_text(insert, 2, event->old_values);
    sqlite_bind_text(insert, 3, event->new_values);
    sqlite_bind_text(insert, 4, event->changes);
    sqlite_bind_text(insert, 5, event->context);
    sqlite_bind_text(insert, 6, event->delegation_chain);
    return sqlite_run(store, SQLITE_STATEMENT_PAYLOAD, "store an event's values", ret_error);
}

static enum trail_err insert_event(struct sqlite_store *store, int64_t writer, const struct event_record *record,
                                   const struct reference_ids *references, struct trail_error *ret_error)
{
    const struct trail_event *event = &record->event;
    sqlite3_stmt             *insert = store->statements[SQLITE_STATEMENT_EVENT];
    sqlite3_bind_int64(insert, 1, event->timestamp_us);
    sqlite3_bind_int64(insert, 2, writer);
    sqlite3_bind_int64(insert, 3, (int64_t)record->seq);
    sqlite3_bind_int64(insert, 4, references->ids[REFERENCE_ACTOR]);
    sqlite3_bind_int64(insert, 5, references->ids[REFERENCE_RESOURCE]);
    sqlite3_bind_int64(insert, 6, references->ids[REFERENCE_ACTION]);
    if (references->ids[REFERENCE_ROUTE] != 0)
        sqlite3_bind_int64(insert, 7, references->ids[REFERENCE_ROUTE]);
    else
        sqlite3_bind_null(insert, 7);
    sqlite3_bind_int(insert, 8, (int)event->operation);
    sqlite3_bind_int(insert, 9, (int)event->outcome);
    sqlite3_bind_int(insert, 10, (int)level_of_operation(event->operation));
    sqlite3_bind_int64(insert, 11, record->flags);
    sqlite3_bind_int(insert, 12, (int)event->data_classification);
    sqlite3_bind_int(insert, 13, event->requires_review == TRAIL_REVIEW_YES);
    sqlite3_bind_double(insert, 14, record->weight);
    sqlite_bind_text(insert, 15, event->correlation_id);
    sqlite_bind_text(insert, 16, event->request_id);
    sqlite_bind_text(insert, 17, event->error_message);

    enum trail_err err = sqlite_run(store, SQLITE_STATEMENT_EVENT, "store an event", ret_error);
    return err == TRAIL_OK ? insert_payload(store, event, ret_error) : err;
}

static enum trail_err insert_events(struct sqlite_store *store, struct sqlite_batch *run, struct trail_error *ret_error)
{
    const struct store_batch *batch = run->batch;
    for (size_t i = 0; i < batch->event_count; i++) {
        const struct event_record *record = &batch->events[i];
        enum trail_err             err = insert_event(store, run->writer, record, &store->resolver.ids[i], ret_error);
        if (err != TRAIL_OK) {
            if (ret_error != NULL)
                ret_error->offset = record->seq;
            return err;
        }
        int64_t at_us = record->event.timestamp_us;
        run->min_timestamp_us = i == 0 || at_us < run->min_timestamp_us ? at_us : run->min_timestamp_us;
        run->max_timestamp_us = i == 0 || at_us > run->max_timestamp_us ? at_us : run->max_timestamp_us;
        run->stored[account_of(record->event.operation, (record->flags & TRAIL_FLAG_CONTROL) != 0)]++;
    }
    return TRAIL_OK;
}

static enum trail_err insert_dead_letters(struct sqlite_store *store, struct sqlite_batch *run,
                                          struct trail_error *ret_error)
{
    const struct store_batch *batch = run->batch;
    sqlite3_stmt             *insert = store->statements[SQLITE_STATEMENT_DEAD_LETTER];
    for (size_t i = 0; i < batch->dead_letter_count; i++) {
        const struct store_dead_letter *letter = &batch->dead_letters[i];
        sqlite3_bind_int64(insert, 1, run->writer);
        sqlite3_bind_int64(insert, 2, (int64_t)letter->seq);
        sqlite3_bind_int64(insert, 3, batch->recorded_at_us);
        sqlite_bind_text(insert, 4, letter->error);
        sqlite_bind_text(insert, 5, letter->event_json);
        enum trail_err err = sqlite_run(store, SQLITE_STATEMENT_DEAD_LETTER, "store a dead letter", ret_error);
        if (err != TRAIL_OK)
            return err;
        run->dead_lettered[account_of(letter->operation, letter->control)]++;
    }
    return TRAIL_OK;
}

static enum trail_err insert_ledger_row(struct sqlite_store *store, const struct sqlite_batch *run,
                                        struct trail_error *ret_error)
{
    const struct store_batch *batch = run->batch;
    sqlite3_stmt             *insert = store->statements[SQLITE_STATEMENT_LEDGER];
    sqlite3_bind_int64(insert, 1, run->writer);
    sqlite3_bind_int64(insert, 2, (int64_t)batch->first_seq);
    sqlite3_bind_int64(insert, 3, (int64_t)batch->last_seq);
    sqlite3_bind_int64(insert, 4, (int64_t)batch->event_count);
    sqlite3_bind_null(insert, 5);
    sqlite3_bind_null(insert, 6);
    if (batch->event_count > 0) {
        sqlite3_bind_int64(insert, 5, run->min_timestamp_us);
        sqlite3_bind_int64(insert, 6, run->max_timestamp_us);
    }
    sqlite3_bind_int64(insert, 7, batch->recorded_at_us);
    return sqlite_run(store, SQLITE_STATEMENT_LEDGER, "store the ledger row", ret_error);
}

/* ---- Accounting ---- */

/* What the database knows of the writer's refusals, so that only rows that change are touched. */
static enum trail_err read_accounts(struct sqlite_store *store, int64_t writer,
                                    struct trail_account accounts[TRAIL_OPERATION_COUNT], struct trail_error *ret_error)
{
    sqlite3_stmt *read = store->statements[SQLITE_STATEMENT_ACCOUNT_READ];
    sqlite3_bind_int64(read, 1, writer);
    int code;
    while ((code = sqlite3_step(read)) == SQLITE_ROW) {
        int64_t operation = sqlite3_column_int64(read, 0);
        if (operation < 0 || operation >= TRAIL_OPERATION_COUNT)
            continue; /* A newer library's. */
        accounts[operation] = (struct trail_account){
            .level = (uint64_t)sqlite3_column_int64(read, 1),
            .excluded = (uint64_t)sqlite3_column_int64(read, 2),
            .sampled = (uint64_t)sqlite3_column_int64(read, 3),
            .rejected = (uint64_t)sqlite3_column_int64(read, 4),
            .dropped = (uint64_t)sqlite3_column_int64(read, 5),
        };
    }
    enum trail_err err = code == SQLITE_DONE ? TRAIL_OK : sqlite_failed(store, code, "read the accounts", ret_error);
    sqlite3_reset(read);
    return err;
}

static bool refusals_grew(const struct trail_account *now, const struct trail_account *known)
{
    return now->level > known->level || now->excluded > known->excluded || now->sampled > known->sampled ||
           now->rejected > known->rejected || now->dropped > known->dropped;
}

static enum trail_err write_accounts(struct sqlite_store *store, const struct sqlite_batch *run,
                                     struct trail_error *ret_error)
{
    struct trail_account        known[TRAIL_OPERATION_COUNT] = { 0 };
    const struct trail_account *accounts = run->batch->accounts;
    enum trail_err              err = accounts != NULL ? read_accounts(store, run->writer, known, ret_error) : TRAIL_OK;

    sqlite3_stmt *write = store->statements[SQLITE_STATEMENT_ACCOUNT_WRITE];
    for (int i = 0; err == TRAIL_OK && i < TRAIL_OPERATION_COUNT; i++) {
        const struct trail_account *now = accounts != NULL ? &accounts[i] : &known[i];
        if (run->stored[i] == 0 && run->dead_lettered[i] == 0 && !refusals_grew(now, &known[i]))
            continue;
        const uint64_t values[] = { run->stored[i], run->dead_lettered[i], now->level,  now->excluded,
                                    now->sampled,   now->rejected,         now->dropped };
        sqlite3_bind_int64(write, 1, run->writer);
        sqlite3_bind_int(write, 2, i);
        for (size_t j = 0; j < sizeof values / sizeof values[0]; j++)
            sqlite3_bind_int64(write, (int)j + 3, (int64_t)values[j]);
        err = sqlite_run(store, SQLITE_STATEMENT_ACCOUNT_WRITE, "store the accounts", ret_error);
    }
    return err;
}

/* ---- The transaction ---- */

/* *ret_changed: a clean-up deleted references since ours were looked up; they are forgotten. */
static enum trail_err check_generation(struct sqlite_store *store, bool *ret_changed, struct trail_error *ret_error)
{
    bool           found;
    int64_t        row[2] = { 0 };
    enum trail_err err = sqlite_run_integers(store, SQLITE_STATEMENT_GENERATION, row, &found, ret_error);
    if (err == TRAIL_OK && !found)
        return error_set(ret_error, TRAIL_ECORRUPT, 0, "the table audit_store in %s is damaged", store->path);
    *ret_changed = err == TRAIL_OK && row[0] != store->dims_generation;
    if (*ret_changed)
        sqlite_refs_forget(store, row[0]);
    return err;
}

/* Everything between BEGIN and COMMIT. */
static enum trail_err write_rows(struct sqlite_store *store, struct sqlite_batch *run, uint64_t *ret_last_seq,
                                 bool *ret_changed, struct trail_error *ret_error)
{
    enum trail_err err = pass_fence(store, run, ret_last_seq, ret_error);
    if (err == TRAIL_OK && run->batch->event_count > 0)
        err = check_generation(store, ret_changed, ret_error);
    if (err != TRAIL_OK || *ret_changed)
        return err;
    err = insert_events(store, run, ret_error);
    if (err == TRAIL_OK)
        err = insert_dead_letters(store, run, ret_error);
    if (err == TRAIL_OK && moves_writer(run->batch))
        err = insert_ledger_row(store, run, ret_error);
    return err == TRAIL_OK ? write_accounts(store, run, ret_error) : err;
}

static enum trail_err try_batch(struct sqlite_store *store, const struct store_batch *batch, uint64_t *ret_last_seq,
                                bool *ret_changed, struct trail_error *ret_error)
{
    *ret_changed = false;
    enum trail_err err = sqlite_refs_resolve(store, batch->events, batch->event_count, ret_error);
    if (err == TRAIL_OK)
        err = sqlite_run(store, SQLITE_STATEMENT_BEGIN_WRITE, "begin a batch", ret_error);
    if (err != TRAIL_OK)
        return err;

    struct sqlite_batch run = { .batch = batch };
    err = write_rows(store, &run, ret_last_seq, ret_changed, ret_error);
    if (err == TRAIL_OK && !*ret_changed)
        err = sqlite_run(store, SQLITE_STATEMENT_COMMIT, "commit a batch", ret_error);
    if (err != TRAIL_OK || *ret_changed)
        sqlite_rollback(store);
    return err;
}

enum trail_err sqlite_write(struct store *base, const struct store_batch *batch, uint64_t *ret_last_seq,
                            struct trail_error *ret_error)
{
    struct sqlite_store *store = sqlite_store_of(base);
    enum trail_err       err = sqlite_check_usable(store, ret_error);
    bool                 changed = true;
    uint64_t             last_seq = batch->last_seq;
    for (int tries = 0; err == TRAIL_OK && changed && tries < SQLITE_RESOLVE_TRIES_MAX; tries++)
        err = try_batch(store, batch, &last_seq, &changed, ret_error);
    if (err == TRAIL_OK && changed)
        err = error_set(ret_error, TRAIL_EAWAY, 0, "references in %s keep being deleted", store->path);

    /* Committed into a file that nobody will find again is not stored. */
    if (err == TRAIL_OK)
        err = sqlite_check_usable(store, ret_error);
    if (err == TRAIL_OK || err == TRAIL_EFENCE)
        *ret_last_seq = last_seq;
    return err;
}
