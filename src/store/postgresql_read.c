/* postgresql_read.c -- runs one SELECT of the query layer and hands its rows out.
 *
 * One round trip, one transaction, which ends before the call returns: a reader that takes its time between two pages
 * holds nothing, so vacuum and the dropping of old days go on. */
#include "store/postgresql_store.h"

#include <assert.h>

/* Wider than any SELECT of ours; the query layer asks for 34. */
#define COLUMNS_MAX 64

static void hand_out_rows(const PGresult *rows, const struct store_query *query)
{
    struct store_value values[COLUMNS_MAX];
    int                columns = PQnfields(rows);
    assert(columns <= COLUMNS_MAX);
    for (int row = 0; row < PQntuples(rows); row++) {
        for (int i = 0; i < columns; i++)
            values[i] = pg_value(rows, row, i);
        if (!query->on_row(query->context, values, (size_t)columns))
            return;
    }
}

enum trail_err postgresql_select(struct store *base, const struct store_query *query, struct trail_error *ret_error)
{
    struct postgresql_store  *store = postgresql_store_of(base);
    const struct pg_statement statement = { query->sql, query->parameters, query->parameter_count };
    PGresult                 *rows;
    enum trail_err            err = pg_read(&store->connection, &statement, query->by_index, &rows, ret_error);
    if (err == TRAIL_OK)
        hand_out_rows(rows, query);
    PQclear(rows);
    return err;
}

/* Tables, indexes and TOAST of our schema. */
uint64_t postgresql_bytes(struct store *base)
{
    static const char sql[] =
        "SELECT coalesce(sum(pg_catalog.pg_total_relation_size(c.oid)), 0)::bigint FROM pg_catalog.pg_class c"
        " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'audittrail' AND c.relkind = 'r'";
    PGresult *row = NULL;
    int64_t   bytes = 0;
    if (pg_run(&postgresql_store_of(base)->connection, sql, "ask for the size of", &row, 1, NULL) == TRAIL_OK)
        bytes = pg_number(row, 0, 0, 0);
    PQclear(row);
    return (uint64_t)bytes;
}
