/* postgresql_baseline.c -- what stands beside our trail in PostgreSQL, and what both are measured with. */
#include "bench/postgresql_baseline.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COPY_HEADER_SIZE 19
#define INSERT_ROWS_MAX 500
#define GATEWAY_COLUMNS 26
#define PARAMETERS_MAX 65535 /* Of one statement, by the protocol. */
_Static_assert(INSERT_ROWS_MAX *GATEWAY_COLUMNS <= PARAMETERS_MAX, "one INSERT takes so many parameters");

PGconn *baseline_connect(const char *url)
{
    PGconn *connection = PQconnectdb(url);
    if (PQstatus(connection) != CONNECTION_OK)
        bench_fail("PostgreSQL: %s", PQerrorMessage(connection));
    baseline_run(connection, "SET client_min_messages = warning");
    return connection;
}

static void must(PGconn *connection, PGresult *result, ExecStatusType wanted, const char *doing)
{
    if (PQresultStatus(result) != wanted)
        bench_fail("PostgreSQL, %.60s: %s", doing, PQerrorMessage(connection));
}

void baseline_run(PGconn *connection, const char *sql)
{
    PGresult      *result = PQexec(connection, sql);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        bench_fail("PostgreSQL, %.60s: %s", sql, PQerrorMessage(connection));
    PQclear(result);
}

double baseline_number(PGconn *connection, const char *sql)
{
    PGresult *result = PQexec(connection, sql);
    must(connection, result, PGRES_TUPLES_OK, sql);
    if (PQntuples(result) != 1)
        bench_fail("%s: %d rows", sql, PQntuples(result));
    double number = strtod(PQgetvalue(result, 0, 0), NULL);
    PQclear(result);
    return number;
}

/* ---- What a contender cost the server ---- */

/* Processor time of a process so far, as the scheduler counts it. */
static double process_cpu_ns(int pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/schedstat", pid);
    FILE              *file = fopen(path, "r");
    unsigned long long used = 0;
    if (file == NULL || fscanf(file, "%llu", &used) != 1)
        bench_fail("cannot read %s: the server must run on this machine", path);
    fclose(file);
    return (double)used;
}

static double wal_position(PGconn *observer)
{
    return baseline_number(observer, "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn");
}

struct server_cost cost_begin(PGconn *observer, int backend)
{
    /* Whole pages go into the WAL after a checkpoint: everyone begins there. */
    baseline_run(observer, "CHECKPOINT");
    struct server_cost cost = { .wal_bytes = wal_position(observer), .cpu_ns = process_cpu_ns(backend) };
    cost.wall_ns = bench_now_ns();
    return cost;
}

struct server_cost cost_end(PGconn *observer, int backend, const struct server_cost *begin)
{
    struct server_cost cost = { .wall_ns = bench_now_ns() - begin->wall_ns,
                                .cpu_ns = process_cpu_ns(backend) - begin->cpu_ns };
    cost.wal_bytes = wal_position(observer) - begin->wal_bytes;
    return cost;
}

void cost_print(const char *name, const struct server_cost *cost, size_t count)
{
    bench_print(name, "per_second", (double)count * 1e9 / (double)cost->wall_ns);
    bench_print(name, "wal_bytes", cost->wal_bytes / (double)count);
    bench_print(name, "backend_cpu", cost->cpu_ns / (double)count);
}

/* ---- The gateway's table ---- */

/* Where an event's text stands among the columns; 0: nowhere. */
static const int gateway_columns[EVENT_FIELD_COUNT] = {
    [EVENT_correlation_id] = 2,    [EVENT_request_id] = 3,    [EVENT_action] = 4,       [EVENT_resource_type] = 5,
    [EVENT_resource_id] = 6,       [EVENT_resource_name] = 7, [EVENT_user_id] = 8,      [EVENT_user_email] = 9,
    [EVENT_team_id] = 10,          [EVENT_client_ip] = 11,    [EVENT_user_agent] = 12,  [EVENT_request_path] = 13,
    [EVENT_request_method] = 14,   [EVENT_old_values] = 15,   [EVENT_new_values] = 16,  [EVENT_changes] = 17,
    [EVENT_error_message] = 21,    [EVENT_context] = 22,      [EVENT_auth_method] = 23, [EVENT_acting_as] = 24,
    [EVENT_delegation_chain] = 25,
};

/* A row as parameters in text form. */
struct gateway_row {
    char        id[37];
    char        when[40];
    char        texts[4096];
    const char *values[GATEWAY_COLUMNS];
};

static void gateway_row_make(struct gateway_row *row, const struct trail_event *event)
{
    static uint64_t number;
    char           *at = row->texts;
    struct tm       utc;
    time_t          seconds = (time_t)(event->timestamp_us / 1000000);

    memset((void *)row->values, 0, sizeof row->values);
    /* As random as an index entry of the gateway's UUIDs is. */
    uint64_t high = ++number * UINT64_C(0x9E3779B97F4A7C15);
    uint64_t low = (high ^ high >> 31) * UINT64_C(0xBF58476D1CE4E5B9);
    snprintf(row->id, sizeof row->id, "%08x-%04x-4%03x-a%03x-%012llx", (unsigned)(high >> 32),
             (unsigned)(high >> 16 & 0xFFFF), (unsigned)(high & 0xFFF), (unsigned)(low >> 52),
             (unsigned long long)(low & 0xFFFFFFFFFFFF));
    gmtime_r(&seconds, &utc);
    size_t size = strftime(row->when, sizeof row->when, "%Y-%m-%d %H:%M:%S", &utc);
    snprintf(row->when + size, sizeof row->when - size, ".%06d+00", (int)(event->timestamp_us % 1000000));
    row->values[0] = row->id;
    row->values[1] = row->when;
    for (size_t i = 0; i < EVENT_FIELD_COUNT; i++) {
        struct trail_text text = event_text(event, (enum event_field)i);
        if (text.size == 0 || gateway_columns[i] == 0)
            continue;
        memcpy(at, text.data, text.size);
        at[text.size] = '\0';
        row->values[gateway_columns[i]] = at;
        at += text.size + 1;
    }
    row->values[19] = event->requires_review == TRAIL_REVIEW_YES ? "t" : "f";
    row->values[20] = event->outcome == TRAIL_OUTCOME_SUCCESS ? "t" : "f";
}

static void prepare(PGconn *connection, const char *name, const char *sql)
{
    PGresult *result = PQprepare(connection, name, sql, 0, NULL);
    must(connection, result, PGRES_COMMAND_OK, name);
    PQclear(result);
}

static void prepare_insert(PGconn *connection, const char *name, size_t row_count)
{
    static char sql[INSERT_ROWS_MAX * (GATEWAY_COLUMNS * 7 + 8) + 64];
    size_t      size = (size_t)snprintf(sql, sizeof sql, "INSERT INTO audit_trails VALUES ");
    size_t      number = 0;
    for (size_t i = 0; i < row_count; i++) {
        for (size_t j = 0; j < GATEWAY_COLUMNS; j++)
            size += (size_t)snprintf(sql + size, sizeof sql - size, "%s$%zu", j == 0 ? (i == 0 ? "(" : ",(") : ",",
                                     ++number);
        size += (size_t)snprintf(sql + size, sizeof sql - size, ")");
    }
    prepare(connection, name, sql);
}

void gateway_create(PGconn *connection, const char *schema_file)
{
    static char schema[65536];
    FILE       *file = fopen(schema_file, "r");
    size_t      size = file != NULL ? fread(schema, 1, sizeof schema - 1, file) : 0;
    if (size == 0)
        bench_fail("cannot read %s", schema_file);
    fclose(file);
    schema[size] = '\0';
    baseline_run(connection, "DROP TABLE IF EXISTS audit_trails");
    baseline_run(connection, schema);
    baseline_run(connection, "DEALLOCATE ALL");
    prepare_insert(connection, "one", 1);
    prepare_insert(connection, "many", INSERT_ROWS_MAX);
    prepare(connection, "read", "SELECT * FROM audit_trails WHERE id = $1");
}

static PGresult *execute(PGconn *connection, const char *name, const char *const *values, int count)
{
    return PQexecPrepared(connection, name, count, values, NULL, NULL, 0);
}

void gateway_record(PGconn *connection, const struct trail_event *event)
{
    struct gateway_row row;
    gateway_row_make(&row, event);
    baseline_run(connection, "BEGIN");
    PGresult *result = execute(connection, "one", row.values, GATEWAY_COLUMNS);
    must(connection, result, PGRES_COMMAND_OK, "insert");
    PQclear(result);
    baseline_run(connection, "COMMIT");
    baseline_run(connection, "BEGIN");
    result = execute(connection, "read", row.values, 1);
    must(connection, result, PGRES_TUPLES_OK, "read");
    if (PQntuples(result) != 1)
        bench_fail("the row that was just stored is not there");
    PQclear(result);
    baseline_run(connection, "ROLLBACK");
}

void gateway_insert(PGconn *connection, const struct event_record *records, size_t count)
{
    static struct gateway_row rows[INSERT_ROWS_MAX];
    static const char        *values[INSERT_ROWS_MAX * GATEWAY_COLUMNS];
    if (count > INSERT_ROWS_MAX)
        bench_fail("%zu rows are too many for one INSERT", count);
    for (size_t i = 0; i < count; i++) {
        gateway_row_make(&rows[i], &records[i].event);
        memcpy((void *)(values + i * GATEWAY_COLUMNS), (const void *)rows[i].values, sizeof rows[i].values);
    }
    if (count == INSERT_ROWS_MAX) {
        PGresult *result = execute(connection, "many", values, INSERT_ROWS_MAX * GATEWAY_COLUMNS);
        must(connection, result, PGRES_COMMAND_OK, "insert of many");
        PQclear(result);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        PGresult *result = execute(connection, "one", values + i * GATEWAY_COLUMNS, GATEWAY_COLUMNS);
        must(connection, result, PGRES_COMMAND_OK, "insert");
        PQclear(result);
    }
}

/* ---- Our own rows ---- */

static void copied_rows_add(struct copied_rows *rows, const char *bytes, size_t size)
{
    if (rows->size + size > rows->capacity) {
        rows->capacity = (rows->size + size) * 2;
        rows->bytes = realloc(rows->bytes, rows->capacity);
        if (rows->bytes == NULL)
            bench_fail("no memory for the rows");
    }
    memcpy(rows->bytes + rows->size, bytes, size);
    rows->size += size;
}

void copied_rows_read(struct copied_rows *rows, PGconn *connection)
{
    static const char sql[] = "COPY (SELECT * FROM audittrail.audit_events ORDER BY writer, seq) TO STDOUT BINARY";
    PGresult         *result = PQexec(connection, sql);
    char             *bytes = NULL;
    int               size;

    must(connection, result, PGRES_COPY_OUT, sql);
    PQclear(result);
    *rows = (struct copied_rows){ 0 };
    while ((size = PQgetCopyData(connection, &bytes, 0)) > 0) {
        /* The header comes with the first row, the trailer of two bytes alone. */
        size_t skip = rows->count == 0 ? COPY_HEADER_SIZE : 0;
        if (size > 2 && (size_t)size > skip) {
            copied_rows_add(rows, bytes + skip, (size_t)size - skip);
            rows->count++;
        }
        PQfreemem(bytes);
    }
    result = PQgetResult(connection);
    must(connection, result, PGRES_COMMAND_OK, sql);
    PQclear(result);
    while ((result = PQgetResult(connection)) != NULL)
        PQclear(result);
}

void copied_rows_free(struct copied_rows *rows)
{
    free(rows->bytes);
    *rows = (struct copied_rows){ 0 };
}

void bare_create(PGconn *connection)
{
    baseline_run(connection,
                 "DROP SCHEMA IF EXISTS bare CASCADE; CREATE SCHEMA bare;"
                 "CREATE TABLE bare.audit_events (LIKE audittrail.audit_events INCLUDING ALL) "
                 "PARTITION BY RANGE (timestamp);"
                 "DO $$ DECLARE d record; BEGIN FOR d IN SELECT * FROM audittrail.audit_days LOOP EXECUTE format("
                 "'CREATE TABLE bare.%I PARTITION OF bare.audit_events FOR VALUES FROM (%L) TO (%L)', d.partition, "
                 "d.day || ' 00:00:00+00', (d.day + 1) || ' 00:00:00+00'); END LOOP; END $$");
}

/* The size of the row that begins here: a number of columns, then each as its size and bytes. */
static size_t row_size(const char *row)
{
    uint16_t columns;
    memcpy(&columns, row, sizeof columns);
    size_t at = sizeof columns;
    for (unsigned i = be16toh(columns); i > 0; i--) {
        uint32_t size;
        memcpy(&size, row + at, sizeof size);
        at += sizeof size + (size == UINT32_MAX ? 0 : be32toh(size));
    }
    return at;
}

static void copy_batch(PGconn *connection, const char *bytes, size_t size)
{
    static const char header[COPY_HEADER_SIZE] = "PGCOPY\n\377\r\n\0";
    static const char sql[] = "COPY bare.audit_events FROM STDIN BINARY";
    baseline_run(connection, "BEGIN; SET LOCAL synchronous_commit = on");
    PGresult *result = PQexec(connection, sql);
    must(connection, result, PGRES_COPY_IN, sql);
    PQclear(result);
    if (PQputCopyData(connection, header, COPY_HEADER_SIZE) != 1 || PQputCopyData(connection, bytes, (int)size) != 1 ||
        PQputCopyData(connection, "\377\377", 2) != 1 || PQputCopyEnd(connection, NULL) != 1)
        bench_fail("PostgreSQL, copy: %s", PQerrorMessage(connection));
    result = PQgetResult(connection);
    must(connection, result, PGRES_COMMAND_OK, sql);
    PQclear(result);
    while ((result = PQgetResult(connection)) != NULL)
        PQclear(result);
    baseline_run(connection, "COMMIT");
}

void bare_copy(PGconn *connection, const struct copied_rows *rows, size_t batch)
{
    size_t at = 0;
    for (size_t i = 0; i < rows->count; i += batch) {
        size_t begin = at;
        for (size_t j = i; j < i + batch && j < rows->count; j++)
            at += row_size(rows->bytes + at);
        copy_batch(connection, rows->bytes + begin, at - begin);
    }
    if (at != rows->size)
        bench_fail("the rows that were read are not understood");
}
