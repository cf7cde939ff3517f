/* sqlite_read.c -- runs one SELECT of the query layer and hands its rows out.
 *
 * The statement, and with it the read transaction, ends before the call returns: a reader that takes its time between
 * two pages holds nothing, so checkpoints can empty the WAL behind it. A database being replaced or locked is
 * TRAIL_EAWAY, as for writing. */
#include "store/sqlite_store.h"

#include <assert.h>

/* Wider than any SELECT of ours; the query layer asks for 30. */
#define COLUMNS_MAX 64

static int bind_value(sqlite3_stmt *statement, int at, const struct store_value *value)
{
    switch (value->kind) {
    case STORE_NULL: return sqlite3_bind_null(statement, at);
    case STORE_TIME:
    case STORE_INTEGER: return sqlite3_bind_int64(statement, at, value->integer);
    case STORE_REAL: return sqlite3_bind_double(statement, at, value->real);
    case STORE_TEXT:
        return sqlite3_bind_text64(statement, at, value->text.data, value->text.size, SQLITE_STATIC, SQLITE_UTF8);
    case STORE_BLOB: return sqlite3_bind_blob64(statement, at, value->text.data, value->text.size, SQLITE_STATIC);
    }
    return SQLITE_MISUSE;
}

static struct store_value read_value(sqlite3_stmt *statement, int column)
{
    struct store_value value = { .kind = STORE_NULL };
    switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
        value.kind = STORE_INTEGER;
        value.integer = sqlite3_column_int64(statement, column);
        break;
    case SQLITE_FLOAT:
        value.kind = STORE_REAL;
        value.real = sqlite3_column_double(statement, column);
        break;
    case SQLITE_TEXT:
        value.kind = STORE_TEXT;
        value.text.data = (const char *)sqlite3_column_text(statement, column);
        value.text.size = (size_t)sqlite3_column_bytes(statement, column);
        break;
    case SQLITE_BLOB:
        value.kind = STORE_BLOB;
        value.text.data = sqlite3_column_blob(statement, column);
        value.text.size = (size_t)sqlite3_column_bytes(statement, column);
        break;
    default: break;
    }
    return value;
}

static int hand_out_rows(sqlite3_stmt *statement, const struct store_query *query)
{
    struct store_value values[COLUMNS_MAX];
    int                columns = sqlite3_column_count(statement);
    assert(columns <= COLUMNS_MAX);

    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        for (int i = 0; i < columns; i++)
            values[i] = read_value(statement, i);
        if (!query->on_row(query->context, values, (size_t)columns))
            return SQLITE_DONE;
    }
    return code;
}

enum trail_err sqlite_select(struct store *base, const struct store_query *query, struct trail_error *ret_error)
{
    struct sqlite_store *store = sqlite_store_of(base);
    enum trail_err       err = sqlite_check_usable(store, ret_error);
    if (err != TRAIL_OK)
        return err;

    sqlite3_stmt *statement = NULL;
    int           code = sqlite3_prepare_v2(store->db, query->sql, -1, &statement, NULL);
    for (size_t i = 0; code == SQLITE_OK && i < query->parameter_count; i++)
        code = bind_value(statement, (int)i + 1, &query->parameters[i]);
    if (code == SQLITE_OK)
        code = hand_out_rows(statement, query);
    if (code != SQLITE_DONE)
        err = sqlite_failed(store, code, "read", ret_error);
    sqlite3_finalize(statement);
    return err;
}
