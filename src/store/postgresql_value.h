/* postgresql_value.h -- our values as libpq's parameters and results.
 *
 *     event  ->  policy  ->  spool  ->  drain  ->  [store]
 *
 * Both ways in PostgreSQL's binary format, big-endian; a time is microseconds since 2000-01-01 there.
 *
 * Thread: any.
 * Memory: parameters borrow the values that they were made from; values read borrow from the result.
 * Errors: none. A column of a type that no SELECT of ours has is NULL.
 */
#ifndef TRAIL_STORE_POSTGRESQL_VALUE_H
#define TRAIL_STORE_POSTGRESQL_VALUE_H

#include <libpq-fe.h>

#include "base/buf.h"
#include "store/store.h"

/* From 1970-01-01 to 2000-01-01. */
#define PG_EPOCH_US INT64_C(946684800000000)

/* The query layer asks for up to 96. */
#define PG_PARAMETERS_MAX 128

struct pg_parameters {
    int         count;
    Oid         types[PG_PARAMETERS_MAX];
    const char *values[PG_PARAMETERS_MAX];
    int         lengths[PG_PARAMETERS_MAX];
    int         formats[PG_PARAMETERS_MAX];
    char        numbers[PG_PARAMETERS_MAX][8];
};

/* At most PG_PARAMETERS_MAX of them. */
void pg_parameters_of(struct pg_parameters *ret_parameters, const struct store_value *values, size_t count);

/* Append the statement with `?` and `?N` written `$N`, outside quotes, and a NUL. */
void pg_placeholders(const char *sql, struct buf *out);

/* A column of a binary result, by its type: bool, int2, int4, int8, float4, float8, text and its like, uuid, bytea,
 * timestamptz (as microseconds since 1970), numeric (as an integer: it is what a sum of integers is). */
struct store_value pg_value(const PGresult *result, int row, int column);

/* A column of a text result as a number, `otherwise` when it is NULL or not there. `result` may be NULL. */
int64_t pg_number(const PGresult *result, int row, int column, int64_t otherwise);

#endif
