/* sqlite_schema.c -- creates the schema of an SQLite store and brings it up to date, one process at a time.
 *
 * Layout: src/store/migrations/sqlite/NNNN_name.sql, compiled in; audit_store.schema_version counts the applied ones.
 * Validity: a database without audit_store must be empty, else it is somebody else's and is left alone.
 * Recovery: every migration and its version number commit together, under SQLite's write lock. Who loses the race
 * finds the work done. A version above ours belongs to a newer library and is refused, both numbers named. */
#include "store/sqlite_store.h"

#include <assert.h>
#include <string.h>

#include "base/clock.h"

#include "store/sqlite_migrations.h"

_Static_assert(sizeof sqlite_migrations / sizeof sqlite_migrations[0] == SQLITE_SCHEMA_NEWEST, "one file per version");

#define NEWEST ((int64_t)SQLITE_SCHEMA_NEWEST)

/* What the database says about itself. */
struct schema_state {
    int64_t     version; /* 0: no audit_store. */
    bool        empty;   /* No table at all. */
    struct uuid identity;
    int64_t     dims_generation;
};

static enum trail_err prepare(struct sqlite_store *store, const char *sql, sqlite3_stmt **ret_statement,
                              struct trail_error *ret_error)
{
    int code = sqlite3_prepare_v2(store->db, sql, -1, ret_statement, NULL);
    return code == SQLITE_OK ? TRAIL_OK : sqlite_failed(store, code, "read the schema", ret_error);
}

/* The first integer column of the first row; TRAIL_ECORRUPT when there is no row. */
static enum trail_err read_integers(struct sqlite_store *store, const char *sql, int64_t ret_values[2],
                                    struct trail_error *ret_error)
{
    sqlite3_stmt  *statement = NULL;
    enum trail_err err = prepare(store, sql, &statement, ret_error);
    if (err != TRAIL_OK)
        return err;
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        for (int i = 0; i < 2 && i < sqlite3_column_count(statement); i++)
            ret_values[i] = sqlite3_column_int64(statement, i);
    } else {
        err = sqlite_failed(store, code == SQLITE_DONE ? SQLITE_CORRUPT : code, "read the schema", ret_error);
    }
    sqlite3_finalize(statement);
    return err;
}

static enum trail_err execute(struct sqlite_store *store, const char *sql, const char *doing,
                              struct trail_error *ret_error)
{
    int code = sqlite3_exec(store->db, sql, NULL, NULL, NULL);
    return code == SQLITE_OK ? TRAIL_OK : sqlite_failed(store, code, doing, ret_error);
}

static enum trail_err read_store_row(struct sqlite_store *store, struct schema_state *ret_state,
                                     struct trail_error *ret_error)
{
    sqlite3_stmt  *statement = NULL;
    enum trail_err err = prepare(store, "SELECT schema_version, dims_generation, uuid FROM audit_store WHERE id = 1",
                                 &statement, ret_error);
    if (err != TRAIL_OK)
        return err;
    int code = sqlite3_step(statement);
    if (code == SQLITE_ROW && sqlite3_column_bytes(statement, 2) == (int)sizeof ret_state->identity.bytes) {
        ret_state->version = sqlite3_column_int64(statement, 0);
        ret_state->dims_generation = sqlite3_column_int64(statement, 1);
        memcpy(ret_state->identity.bytes, sqlite3_column_blob(statement, 2), sizeof ret_state->identity.bytes);
    } else if (code == SQLITE_ROW || code == SQLITE_DONE) {
        err = error_set(ret_error, TRAIL_ECORRUPT, 0, "the table audit_store in %s is damaged", store->path);
    } else {
        err = sqlite_failed(store, code, "read the schema", ret_error);
    }
    sqlite3_finalize(statement);
    return err;
}

static enum trail_err read_state(struct sqlite_store *store, struct schema_state *ret_state,
                                 struct trail_error *ret_error)
{
    *ret_state = (struct schema_state){ 0 };
    int64_t        counts[2] = { 0 }; /* audit_store is there, tables. In one statement: a creator may be at work. */
    enum trail_err err =
        read_integers(store, "SELECT total(name = 'audit_store'), count(*) FROM sqlite_schema", counts, ret_error);
    if (err != TRAIL_OK)
        return err;
    ret_state->empty = counts[1] == 0;
    return counts[0] == 0 ? TRAIL_OK : read_store_row(store, ret_state, ret_error);
}

static enum trail_err check_state(const struct sqlite_store *store, const struct schema_state *state,
                                  struct trail_error *ret_error)
{
    if (state->version > NEWEST)
        return error_set(ret_error, TRAIL_EVERSION, 0,
                         "%s has schema version %lld, made by a newer audittrail; this one knows up to %lld",
                         store->path, (long long)state->version, (long long)NEWEST);
    if (state->version == 0 && !state->empty)
        return error_set(ret_error, TRAIL_ECONFIG, 0, "%s is a database of something else; give audittrail its own",
                         store->path);
    if (store->base.read_only && state->version < NEWEST)
        return error_set(ret_error, TRAIL_EAWAY, 0,
                         "%s has schema version %lld; the first writer that opens it makes it %lld", store->path,
                         (long long)state->version, (long long)NEWEST);
    return TRAIL_OK;
}

/* ---- Creating and migrating ---- */

/* Incremental auto-vacuum can only be chosen before the first page is written, and the switch to WAL writes it.
 * Two processes that switch at once get SQLITE_BUSY without the busy handler being asked (each holds what the other
 * wants), hence the loop. */
static enum trail_err switch_to_wal(struct sqlite_store *store, struct trail_error *ret_error)
{
    sqlite3_stmt  *statement = NULL;
    enum trail_err err = execute(store, "PRAGMA auto_vacuum = INCREMENTAL", "set up the database", ret_error);
    if (err == TRAIL_OK)
        err = prepare(store, "PRAGMA journal_mode = WAL", &statement, ret_error);
    if (err != TRAIL_OK)
        return err;

    int code = sqlite3_step(statement);
    for (int waits = 0; (code & 0xFF) == SQLITE_BUSY && sqlite_wait_for_lock(store, waits) != 0; waits++) {
        sqlite3_reset(statement);
        code = sqlite3_step(statement);
    }
    if (code != SQLITE_ROW)
        err = sqlite_failed(store, code, "switch to WAL mode", ret_error);
    else if (strcmp((const char *)sqlite3_column_text(statement, 0), "wal") != 0)
        err = error_set(ret_error, TRAIL_EUNSUPPORTED, 0, "%s cannot be used in WAL mode where it is", store->path);
    sqlite3_finalize(statement);
    return err;
}

static enum trail_err add_store_row(struct sqlite_store *store, struct trail_error *ret_error)
{
    struct uuid identity;
    if (uuid_random(&identity) != TRAIL_OK)
        return error_set(ret_error, TRAIL_EIO, 0, "the system has no randomness for the identity of %s", store->path);

    sqlite3_stmt  *statement = NULL;
    enum trail_err err = prepare(store, "INSERT INTO audit_store VALUES (1, 0, ?1, 1, ?2)", &statement, ret_error);
    if (err != TRAIL_OK)
        return err;
    sqlite3_bind_blob(statement, 1, identity.bytes, sizeof identity.bytes, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 2, clock_wall_us(&clock_system));
    int code = sqlite3_step(statement);
    if (code != SQLITE_DONE)
        err = sqlite_failed(store, code, "create the schema", ret_error);
    sqlite3_finalize(statement);
    return err;
}

/* The new database really is incremental, or rows deleted later would never give their disk space back. */
static enum trail_err check_auto_vacuum(struct sqlite_store *store, struct trail_error *ret_error)
{
    int64_t        mode[2] = { 0 };
    enum trail_err err = read_integers(store, "PRAGMA auto_vacuum", mode, ret_error);
    if (err == TRAIL_OK && mode[0] != 2)
        return error_set(ret_error, TRAIL_EUNSUPPORTED, 0, "%s cannot be given incremental auto-vacuum", store->path);
    return err;
}

/* Inside the write transaction: everything from state->version to NEWEST. */
static enum trail_err migrate(struct sqlite_store *store, struct schema_state *state, struct trail_error *ret_error)
{
    enum trail_err err = read_state(store, state, ret_error);
    if (err == TRAIL_OK)
        err = check_state(store, state, ret_error);
    for (int64_t version = state->version; err == TRAIL_OK && version < NEWEST; version++) {
        err = execute(store, sqlite_migrations[version].sql, sqlite_migrations[version].name, ret_error);
        if (err == TRAIL_OK && version == 0)
            err = add_store_row(store, ret_error);
    }
    if (err == TRAIL_OK && state->version == 0)
        err = check_auto_vacuum(store, ret_error);

    char sql[128];
    sqlite3_snprintf(sizeof sql, sql, "UPDATE audit_store SET schema_version = %lld; PRAGMA application_id = %d",
                     (long long)NEWEST, SQLITE_APPLICATION_ID);
    if (err == TRAIL_OK && state->version < NEWEST)
        err = execute(store, sql, "create the schema", ret_error);
    return err == TRAIL_OK ? read_state(store, state, ret_error) : err;
}

static enum trail_err bring_up_to_date(struct sqlite_store *store, struct schema_state *state,
                                       struct trail_error *ret_error)
{
    enum trail_err err = switch_to_wal(store, ret_error);
    if (err == TRAIL_OK)
        err = execute(store, "BEGIN IMMEDIATE", "lock the schema", ret_error);
    if (err != TRAIL_OK)
        return err;
    err = migrate(store, state, ret_error);
    if (err == TRAIL_OK)
        err = execute(store, "COMMIT", "create the schema", ret_error);
    if (err != TRAIL_OK && sqlite3_get_autocommit(store->db) == 0)
        (void)execute(store, "ROLLBACK", "roll back", NULL);
    return err;
}

enum trail_err sqlite_schema_open(struct sqlite_store *store, struct trail_error *ret_error)
{
    struct schema_state state;
    enum trail_err      err = read_state(store, &state, ret_error);
    store->base.schema_was = state.version;
    if (err == TRAIL_OK)
        err = check_state(store, &state, ret_error);
    if (err == TRAIL_OK && state.version < NEWEST)
        err = bring_up_to_date(store, &state, ret_error);
    if (err != TRAIL_OK)
        return err;
    assert(state.version == NEWEST);
    store->base.identity = state.identity;
    store->dims_generation = state.dims_generation;
    return TRAIL_OK;
}
