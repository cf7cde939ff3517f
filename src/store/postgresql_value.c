/* postgresql_value.c -- our values as libpq's parameters and results. */
#include "store/postgresql_value.h"

#include <assert.h>
#include <ctype.h>
#include <endian.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* What these types are called in pg_type; their numbers never change. */
enum {
    OID_BOOL = 16,
    OID_BYTEA = 17,
    OID_NAME = 19,
    OID_INT8 = 20,
    OID_INT2 = 21,
    OID_INT4 = 23,
    OID_TEXT = 25,
    OID_FLOAT4 = 700,
    OID_FLOAT8 = 701,
    OID_UNKNOWN = 705,
    OID_VARCHAR = 1043,
    OID_TIMESTAMPTZ = 1184,
    OID_NUMERIC = 1700,
    OID_UUID = 2950
};

#define UUID_SIZE 16

/* ---- Parameters ---- */

static void put_number(struct pg_parameters *parameters, int at, Oid type, uint64_t bits)
{
    uint64_t big = htobe64(bits);
    memcpy(parameters->numbers[at], &big, sizeof big);
    parameters->types[at] = type;
    parameters->values[at] = parameters->numbers[at];
    parameters->lengths[at] = sizeof big;
}

static void put_bytes(struct pg_parameters *parameters, int at, Oid type, struct trail_text bytes)
{
    assert(bytes.size <= INT_MAX);
    parameters->types[at] = type;
    parameters->values[at] = bytes.size > 0 ? bytes.data : "";
    parameters->lengths[at] = (int)bytes.size;
}

static void put_value(struct pg_parameters *parameters, int at, const struct store_value *value)
{
    uint64_t bits;
    parameters->formats[at] = 1;
    switch (value->kind) {
    case STORE_NULL:
        parameters->types[at] = 0;
        parameters->values[at] = NULL;
        parameters->lengths[at] = 0;
        break;
    case STORE_INTEGER: put_number(parameters, at, OID_INT8, (uint64_t)value->integer); break;
    case STORE_TIME: put_number(parameters, at, OID_TIMESTAMPTZ, (uint64_t)(value->integer - PG_EPOCH_US)); break;
    case STORE_REAL:
        memcpy(&bits, &value->real, sizeof bits);
        put_number(parameters, at, OID_FLOAT8, bits);
        break;
    case STORE_TEXT: put_bytes(parameters, at, OID_TEXT, value->text); break;
    case STORE_BLOB:
        put_bytes(parameters, at, value->text.size == UUID_SIZE ? OID_UUID : OID_BYTEA, value->text);
        break;
    }
}

void pg_parameters_of(struct pg_parameters *ret_parameters, const struct store_value *values, size_t count)
{
    assert(count <= PG_PARAMETERS_MAX);
    ret_parameters->count = (int)count;
    for (size_t i = 0; i < count; i++)
        put_value(ret_parameters, (int)i, &values[i]);
}

void pg_placeholders(const char *sql, struct buf *out)
{
    int  next = 1;
    char quote = '\0';
    for (const char *at = sql; *at != '\0'; at++) {
        if (quote != '\0' || *at != '?') {
            if (*at == quote)
                quote = '\0';
            else if (quote == '\0' && (*at == '\'' || *at == '"'))
                quote = *at;
            buf_append(out, at, 1);
        } else if (isdigit((unsigned char)at[1])) {
            buf_append_string(out, "$"); /* The number follows by itself. */
        } else {
            buf_printf(out, "$%d", next++);
        }
    }
    buf_append(out, "", 1);
}

/* ---- Results ---- */

static uint64_t read_number(const char *bytes, int size)
{
    uint64_t number = 0;
    for (int i = 0; i < size; i++)
        number = number << 8 | (unsigned char)bytes[i];
    return number;
}

static double read_float(const char *bytes, int size)
{
    uint64_t bits = read_number(bytes, size);
    uint32_t half = (uint32_t)bits;
    double   real;
    float    single;
    memcpy(&real, &bits, sizeof real);
    memcpy(&single, &half, sizeof single);
    return size == (int)sizeof single ? (double)single : real;
}

/* Four 16-bit numbers (count of digits, weight of the first, sign, digits shown), then digits to the base of 10,000.
 * What stands behind the point is cut off. */
static int64_t read_numeric(const char *bytes, int size)
{
    int     count = (int16_t)read_number(bytes, 2);
    int     weight = (int16_t)read_number(bytes + 2, 2);
    bool    negative = read_number(bytes + 4, 2) == 0x4000;
    int64_t number = 0;
    for (int i = 0; i <= weight; i++) {
        int at = 8 + 2 * i;
        number = number * 10000 + (i < count && at + 2 <= size ? (int64_t)read_number(bytes + at, 2) : 0);
    }
    return negative ? -number : number;
}

static struct store_value integer_value(int64_t integer)
{
    return (struct store_value){ .kind = STORE_INTEGER, .integer = integer };
}

struct store_value pg_value(const PGresult *result, int row, int column)
{
    const char *bytes = PQgetvalue(result, row, column);
    int         size = PQgetlength(result, row, column);
    if (PQgetisnull(result, row, column))
        return (struct store_value){ .kind = STORE_NULL };
    assert(PQfformat(result, column) == 1);
    switch (PQftype(result, column)) {
    case OID_BOOL: return integer_value(bytes[0] != 0);
    case OID_INT2: return integer_value((int16_t)read_number(bytes, size));
    case OID_INT4: return integer_value((int32_t)read_number(bytes, size));
    case OID_INT8: return integer_value((int64_t)read_number(bytes, size));
    case OID_TIMESTAMPTZ: return integer_value((int64_t)read_number(bytes, size) + PG_EPOCH_US);
    case OID_NUMERIC: return integer_value(read_numeric(bytes, size));
    case OID_FLOAT4:
    case OID_FLOAT8: return (struct store_value){ .kind = STORE_REAL, .real = read_float(bytes, size) };
    case OID_UUID:
    case OID_BYTEA: return (struct store_value){ .kind = STORE_BLOB, .text = text_of(bytes, (size_t)size) };
    case OID_NAME:
    case OID_UNKNOWN:
    case OID_VARCHAR:
    case OID_TEXT: return (struct store_value){ .kind = STORE_TEXT, .text = text_of(bytes, (size_t)size) };
    default: return (struct store_value){ .kind = STORE_NULL };
    }
}

int64_t pg_number(const PGresult *result, int row, int column, int64_t otherwise)
{
    if (result == NULL || row >= PQntuples(result) || column >= PQnfields(result) || PQgetisnull(result, row, column))
        return otherwise;
    return strtoll(PQgetvalue(result, row, column), NULL, 10);
}
