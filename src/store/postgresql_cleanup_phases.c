/* postgresql_cleanup_phases.c -- takes a run of the clean-up through its phases.
 *
 * A step calls one function of the database, in one transaction. What can go wrong: a lock is not to be had, which the
 * function finds out in a tenth of a second. It is asked for again in later steps, some times, and then left to the
 * next run. Days that could not be detached are passed over first, in case another can be. */
#include "store/postgresql_cleanup.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct phase {
    const char *name;
    const char *function;
    int64_t     argument; /* Of the first call. */
    size_t      counter;  /* Offset in struct cleanup_work of what it removes. */
    bool        counts;
};

#define REMOVES(field) offsetof(struct cleanup_work, field), true

/* In front of every day that can have a partition. */
#define BEFORE_ALL_DAYS (-1000000)

static const struct phase phases[PG_PHASE_COUNT] = {
    [PG_PHASE_DAYS] = { "days", "audit_detach_day", BEFORE_ALL_DAYS, REMOVES(partitions) },
    [PG_PHASE_EXPIRED] = { "days", "audit_drop_expired", 0, REMOVES(events) },
    [PG_PHASE_STRAYS] = { "events", "audit_delete_strays", 0, REMOVES(events) },
    [PG_PHASE_DEAD_LETTERS] = { "dead letters", "audit_delete_dead_letters", 0, REMOVES(dead_letters) },
    [PG_PHASE_LOOK] = { "references", "audit_look_at_references", 0, 0, false },
    [PG_PHASE_RETIRE] = { "references", "audit_retire_references", 0, 0, false },
    [PG_PHASE_LOOK_AGAIN] = { "references", "audit_look_at_references", 2, 0, false },
    [PG_PHASE_REFERENCES] = { "references", "audit_delete_references", 0, REMOVES(references) },
    [PG_PHASE_LEDGER] = { "ledger", "audit_delete_ledger", 0, REMOVES(ledger_rows) },
    [PG_PHASE_WRITERS] = { "writers", "audit_delete_writer", 0, REMOVES(writers) },
};

/* ---- One call ---- */

struct answer {
    bool    leads;
    bool    busy;
    int64_t removed;
    int64_t next;
    bool    over;
};

static enum trail_err call(struct postgresql_store *store, const struct postgresql_cleanup *cleanup, int64_t elapsed_us,
                           struct answer *ret_answer, struct trail_error *ret_error)
{
    char                     sql[128];
    const struct store_value values[] = {
        { .kind = STORE_INTEGER, .integer = cleanup->row },
        { .kind = STORE_INTEGER, .integer = elapsed_us },
        { .kind = STORE_INTEGER, .integer = cleanup->argument },
        { .kind = STORE_INTEGER, .integer = cleanup->rows_max },
    };
    snprintf(sql, sizeof sql, "SELECT leads, busy, removed, next FROM %s(?1, ?2, ?3, ?4::integer)",
             phases[cleanup->phase].function);
    const struct pg_statement statement = { sql, values, sizeof values / sizeof values[0] };
    PGresult                 *row = NULL;
    enum trail_err            err = pg_run_together(&store->connection, &statement, 1, "clean up", &row, ret_error);
    if (err == TRAIL_OK)
        *ret_answer = (struct answer){
            .leads = pg_value(row, 0, 0).integer != 0,
            .busy = pg_value(row, 0, 1).integer != 0,
            .removed = pg_value(row, 0, 2).integer,
            .next = pg_value(row, 0, 3).integer,
            .over = pg_value(row, 0, 3).kind == STORE_NULL,
        };
    PQclear(row);
    return err;
}

/* ---- Writers ---- */

/* Of this host, because only its spools can be seen. */
static const char writers_sql[] =
    "SELECT id::bigint, uuid, pid FROM audit_gone_writers(audit_cleanup_safe_cut_off(?1)) "
    "WHERE host = ?2 AND id > ?3 ORDER BY id LIMIT 1000";

/* Set the argument to the next writer that is gone; *ret_over: there is none. */
static enum trail_err find_writer(struct postgresql_store *store, struct postgresql_cleanup *cleanup, bool *ret_over,
                                  struct trail_error *ret_error)
{
    const struct store_value values[] = {
        { .kind = STORE_INTEGER, .integer = cleanup->row },
        { .kind = STORE_TEXT, .text = trail_str(cleanup->host) },
        { .kind = STORE_INTEGER, .integer = cleanup->argument },
    };
    const struct pg_statement find = { writers_sql, values, sizeof values / sizeof values[0] };
    PGresult                 *rows = NULL;
    enum trail_err            err = pg_read(&store->connection, &find, false, &rows, ret_error);
    *ret_over = true;
    for (int i = 0; err == TRAIL_OK && i < PQntuples(rows) && *ret_over; i++) {
        struct uuid        uuid = { 0 };
        struct store_value bytes = pg_value(rows, i, 1);
        cleanup->argument = pg_value(rows, i, 0).integer;
        if (bytes.text.size == sizeof uuid.bytes) {
            memcpy(uuid.bytes, bytes.text.data, sizeof uuid.bytes);
            *ret_over = cleanup->may_live(cleanup->context, &uuid, pg_value(rows, i, 2).integer);
        }
    }
    if (err == TRAIL_OK && *ret_over)
        *ret_over = PQntuples(rows) < 1000; /* Else all of these may live, and the next step looks further. */
    PQclear(rows);
    return err;
}

/* ---- The step ---- */

static void next_phase(struct postgresql_cleanup *cleanup)
{
    cleanup->phase++;
    cleanup->begun = false;
    cleanup->busy_count = 0;
    cleanup->was_busy = false;
}

static void go_on(struct postgresql_cleanup *cleanup, const struct answer *answer)
{
    cleanup->was_busy |= answer->busy;
    cleanup->busy_count += answer->busy;
    if (cleanup->busy_count >= POSTGRESQL_BUSY_MAX) {
        next_phase(cleanup);
    } else if (!answer->over) {
        cleanup->argument = answer->next;
    } else if (cleanup->phase == PG_PHASE_DAYS && cleanup->was_busy) {
        cleanup->was_busy = false;
        cleanup->begun = false; /* From the first day again. */
    } else {
        next_phase(cleanup);
    }
}

static void count(struct cleanup_work *work, const struct phase *phase, int64_t removed)
{
    if (phase->counts)
        *(uint64_t *)(void *)((char *)work + phase->counter) += (uint64_t)removed;
    work->batches = work->events > 0;
}

enum trail_err postgresql_cleanup_step(struct store *base, struct store_cleanup *run, int64_t elapsed_us,
                                       struct cleanup_step *ret_step, struct trail_error *ret_error)
{
    struct postgresql_store   *store = postgresql_store_of(base);
    struct postgresql_cleanup *cleanup = (struct postgresql_cleanup *)run; /* base is the first member. */
    const struct phase        *phase = &phases[cleanup->phase];
    struct answer              answer = { .leads = true, .over = true };
    bool                       over = false;
    enum trail_err             err = TRAIL_OK;

    ret_step->phase = phase->name;
    if (!cleanup->begun)
        cleanup->argument = phase->argument;
    cleanup->begun = true;
    if (cleanup->phase == PG_PHASE_WRITERS)
        err = find_writer(store, cleanup, &over, ret_error);
    if (err == TRAIL_OK && !over)
        err = call(store, cleanup, elapsed_us, &answer, ret_error);
    if (err != TRAIL_OK)
        return err;
    count(&ret_step->work, phase, answer.removed);
    go_on(cleanup, &answer);
    ret_step->superseded = !answer.leads;
    ret_step->finished = ret_step->superseded || cleanup->phase == PG_PHASE_COUNT;
    return TRAIL_OK;
}
