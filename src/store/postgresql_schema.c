/* postgresql_schema.c -- creates the schema in a PostgreSQL database and brings it up to date, one process at a time.
 *
 * Layout: src/store/migrations/postgresql/NNNN_name.sql, compiled in; audit_store.schema_version counts the applied
 *         ones.
 * Validity: a schema `audittrail` without audit_store must be empty, else it is somebody else's and is left alone.
 * Recovery: all migrations that are due and their version number commit together, under an advisory lock. Who loses the
 * race finds the work done. A version above ours belongs to a newer library and is refused, both numbers named. */
#include "store/postgresql_store.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

#include "store/postgresql_migrations.h"

_Static_assert(sizeof postgresql_migrations / sizeof postgresql_migrations[0] == POSTGRESQL_SCHEMA_NEWEST,
               "one file per version");

#define NEWEST ((int64_t)POSTGRESQL_SCHEMA_NEWEST)

static const char look_sql[] =
    "SELECT current_setting('server_version_num'), current_setting('server_encoding'),"
    " (SELECT count(*) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " WHERE n.nspname = 'audittrail'),"
    " (SELECT count(*) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " WHERE n.nspname = 'audittrail' AND c.relname = 'audit_store')";

static const char row_sql[] = "SELECT schema_version, dims_generation, uuid FROM audittrail.audit_store WHERE id = 1";

/* What the database says about itself. */
struct schema_state {
    int64_t     version; /* 0: no audit_store. */
    struct uuid identity;
    int64_t     dims_generation;
};

static enum trail_err read_store_row(struct postgresql_store *store, struct schema_state *state,
                                     struct trail_error *ret_error)
{
    PGresult      *row;
    enum trail_err err = pg_run(&store->connection, row_sql, "read the schema of", &row, 1, ret_error);
    if (err != TRAIL_OK)
        return err;
    state->version = pg_number(row, 0, 0, -1);
    state->dims_generation = pg_number(row, 0, 1, 0);
    if (state->version < 0 || !uuid_parse(trail_str(PQgetvalue(row, 0, 2)), &state->identity))
        err = error_set(ret_error, TRAIL_ECORRUPT, 0, "the table audit_store in %s is damaged", store->connection.name);
    PQclear(row);
    return err;
}

static enum trail_err check_server(struct postgresql_store *store, const PGresult *row, struct trail_error *ret_error)
{
    const char *name = store->connection.name;
    int64_t     version = pg_number(row, 0, 0, 0);
    const char *encoding = PQgetvalue(row, 0, 1);
    if (version < POSTGRESQL_SERVER_OLDEST)
        return error_set(ret_error, TRAIL_ECONFIG, 0,
                         "the server of %s is PostgreSQL %" PRId64 "; 15 or later is needed", name, version / 10000);
    if (strcmp(encoding, "UTF8") != 0)
        return error_set(ret_error, TRAIL_ECONFIG, 0, "the encoding of %s is %s; UTF8 is needed", name, encoding);
    if (pg_number(row, 0, 2, 0) > 0 && pg_number(row, 0, 3, 0) == 0)
        return error_set(ret_error, TRAIL_ECONFIG, 0,
                         "the schema audittrail in %s is one of something else; give audittrail its own database",
                         name);
    return TRAIL_OK;
}

static enum trail_err read_state(struct postgresql_store *store, struct schema_state *ret_state,
                                 struct trail_error *ret_error)
{
    *ret_state = (struct schema_state){ 0 };
    PGresult      *row;
    enum trail_err err = pg_run(&store->connection, look_sql, "read the schema of", &row, 1, ret_error);
    if (err != TRAIL_OK)
        return err;
    err = check_server(store, row, ret_error);
    bool is_there = pg_number(row, 0, 3, 0) > 0;
    PQclear(row);
    if (err == TRAIL_OK && is_there)
        err = read_store_row(store, ret_state, ret_error);
    if (err == TRAIL_OK && ret_state->version > NEWEST)
        err = error_set(ret_error, TRAIL_EVERSION, 0,
                        "%s has schema version %" PRId64 ", made by a newer audittrail; this one knows up to %" PRId64,
                        store->connection.name, ret_state->version, NEWEST);
    return err;
}

static enum trail_err not_up_to_date(const struct postgresql_store *store, int64_t version, const char *why,
                                     struct trail_error *ret_error)
{
    int sys_errno = why[0] != '\0' ? EACCES : 0; /* As for a file that may not be written. */
    if (version == 0)
        return error_set(ret_error, TRAIL_EAWAY, sys_errno != 0 ? sys_errno : ENOENT,
                         "%s has no audit trail yet%s: run `audittrail migrate` as the owner of the schema",
                         store->connection.name, why);
    return error_set(ret_error, TRAIL_EAWAY, sys_errno,
                     "%s has schema version %" PRId64 " and needs %" PRId64
                     "%s: run `audittrail migrate` as the owner of the schema",
                     store->connection.name, version, NEWEST, why);
}

/* Everything from version to NEWEST, in the transaction that is open. */
static enum trail_err apply(struct postgresql_store *store, int64_t version, struct trail_error *ret_error)
{
    enum trail_err err = TRAIL_OK;
    for (; err == TRAIL_OK && version < NEWEST; version++)
        err =
            pg_run(&store->connection, postgresql_migrations[version].sql, "create the schema in", NULL, 0, ret_error);
    char sql[96];
    snprintf(sql, sizeof sql, "UPDATE audittrail.audit_store SET schema_version = %" PRId64, NEWEST);
    return err == TRAIL_OK ? pg_run(&store->connection, sql, "note the schema version of", NULL, 0, ret_error) : err;
}

static enum trail_err bring_up_to_date(struct postgresql_store *store, struct schema_state *state,
                                       struct trail_error *ret_error)
{
    struct pg_connection *connection = &store->connection;
    char                  sql[512];
    snprintf(sql, sizeof sql, PG_BEGIN "SELECT pg_advisory_xact_lock(%d, %d)", PG_LOCK_CLASS, PG_LOCK_SCHEMA);
    enum trail_err err = pg_run(connection, sql, "lock the schema of", NULL, 0, ret_error);
    if (err == TRAIL_OK)
        err = read_state(store, state, ret_error);
    if (err == TRAIL_OK && state->version < NEWEST)
        err = apply(store, state->version, ret_error);
    if (err == TRAIL_OK)
        err = read_store_row(store, state, ret_error);
    if (err == TRAIL_OK)
        err = pg_run(connection, "COMMIT", "create the schema in", NULL, 0, ret_error);
    if (err != TRAIL_OK)
        pg_rollback(connection);
    return err;
}

enum trail_err postgresql_schema_open(struct postgresql_store *store, struct trail_error *ret_error)
{
    struct schema_state state;
    enum trail_err      err = read_state(store, &state, ret_error);
    int64_t             found = state.version;
    store->base.schema_was = found;
    if (err == TRAIL_OK && found < NEWEST && store->base.read_only)
        return not_up_to_date(store, found, "", ret_error);
    if (err == TRAIL_OK && found < NEWEST) {
        err = bring_up_to_date(store, &state, ret_error);
        if (err != TRAIL_OK && strcmp(store->connection.sqlstate, "42501") == 0)
            return not_up_to_date(store, found, ", and this role may not change that", ret_error);
    }
    if (err != TRAIL_OK)
        return err;
    store->base.identity = state.identity;
    store->dims_generation = state.dims_generation;
    return TRAIL_OK;
}
