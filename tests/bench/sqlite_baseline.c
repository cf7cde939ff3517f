/* sqlite_baseline.c -- the least that SQLite can be asked to do for the same rows. */
#include "bench/sqlite_baseline.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FACT_COLUMNS 18
#define PAYLOAD_COLUMNS 6

struct baseline_rows {
    sqlite3_value **facts; /* FACT_COLUMNS per row. */
    size_t          fact_count;
    sqlite3_value **payloads; /* PAYLOAD_COLUMNS per row, ascending by event. */
    size_t          payload_count;
};

static const char fact_select[] = "SELECT * FROM audit_events ORDER BY id";
static const char payload_select[] = "SELECT * FROM audit_payloads ORDER BY event";
static const char fact_insert[] = "INSERT INTO audit_events VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";
static const char payload_insert[] = "INSERT INTO audit_payloads VALUES (?,?,?,?,?,?)";

static void must(sqlite3 *db, int code, const char *doing)
{
    if (code != SQLITE_OK)
        bench_fail("SQLite, %s: %s", doing, db != NULL ? sqlite3_errmsg(db) : sqlite3_errstr(code));
}

static void run(sqlite3 *db, const char *sql)
{
    must(db, sqlite3_exec(db, sql, NULL, NULL, NULL), sql);
}

/* As our store has it. */
static void configure(sqlite3 *db)
{
    run(db, "PRAGMA auto_vacuum=INCREMENTAL"); /* Counts only before the first table. */
    run(db, "PRAGMA journal_mode=WAL");
    run(db, "PRAGMA synchronous=FULL");
    run(db, "PRAGMA cache_size=-16384");
    run(db, "PRAGMA wal_autocheckpoint=4000");
}

static sqlite3 *open_database(const char *path)
{
    sqlite3 *db = NULL;
    must(db, sqlite3_open(path, &db), path);
    configure(db);
    return db;
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    must(db, sqlite3_prepare_v2(db, sql, -1, &statement, NULL), sql);
    return statement;
}

/* ---- Our rows ---- */

static sqlite3_value **read_all(sqlite3 *db, const char *sql, int column_count, size_t *ret_count)
{
    sqlite3_stmt   *select = prepare(db, sql);
    sqlite3_value **values = NULL;
    size_t          capacity = 0;
    size_t          count = 0;

    if (sqlite3_column_count(select) != column_count)
        bench_fail("%s has %d columns", sql, sqlite3_column_count(select));
    while (sqlite3_step(select) == SQLITE_ROW) {
        if (count == capacity) {
            capacity = capacity == 0 ? 1024 : capacity * 2;
            values = realloc(values, capacity * (size_t)column_count * sizeof(sqlite3_value *));
            if (values == NULL)
                bench_fail("no memory for the rows");
        }
        for (int i = 0; i < column_count; i++)
            values[count * (size_t)column_count + (size_t)i] = sqlite3_value_dup(sqlite3_column_value(select, i));
        count++;
    }
    must(db, sqlite3_finalize(select), sql);
    *ret_count = count;
    return values;
}

struct baseline_rows *baseline_read(const char *our_database)
{
    struct baseline_rows *rows = calloc(1, sizeof *rows);
    sqlite3              *db = open_database(our_database);
    if (rows == NULL)
        bench_fail("no memory for the rows");
    rows->facts = read_all(db, fact_select, FACT_COLUMNS, &rows->fact_count);
    rows->payloads = read_all(db, payload_select, PAYLOAD_COLUMNS, &rows->payload_count);
    sqlite3_close(db);
    return rows;
}

size_t baseline_count(const struct baseline_rows *rows)
{
    return rows->fact_count;
}

static void free_values(sqlite3_value **values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sqlite3_value_free(values[i]);
    free(values);
}

void baseline_free(struct baseline_rows *rows)
{
    free_values(rows->facts, rows->fact_count * FACT_COLUMNS);
    free_values(rows->payloads, rows->payload_count * PAYLOAD_COLUMNS);
    free(rows);
}

/* ---- The bare loop ---- */

/* The same tables and indexes, and the rows of every table but those that are to be measured. */
static void copy_schema(sqlite3 *db, const char *our_database)
{
    char attach[600];
    snprintf(attach, sizeof attach, "ATTACH '%s' AS ours", our_database);
    run(db, attach);
    sqlite3_stmt *schema = prepare(db, "SELECT sql, type, name FROM ours.sqlite_schema WHERE sql IS NOT NULL AND "
                                       "type IN ('table', 'index') AND name NOT LIKE 'sqlite_%' ORDER BY type DESC");
    while (sqlite3_step(schema) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(schema, 2);
        run(db, (const char *)sqlite3_column_text(schema, 0));
        if (strcmp((const char *)sqlite3_column_text(schema, 1), "table") != 0 || strcmp(name, "audit_events") == 0 ||
            strcmp(name, "audit_payloads") == 0)
            continue;
        char copy[300];
        snprintf(copy, sizeof copy, "INSERT INTO main.%s SELECT * FROM ours.%s", name, name);
        run(db, copy);
    }
    sqlite3_finalize(schema);
    run(db, "DETACH ours");
}

static void insert_row(sqlite3 *db, sqlite3_stmt *insert, sqlite3_value *const *values, int column_count)
{
    for (int i = 0; i < column_count; i++) {
        switch (sqlite3_value_type(values[i])) {
        case SQLITE_INTEGER: sqlite3_bind_int64(insert, i + 1, sqlite3_value_int64(values[i])); break;
        case SQLITE_FLOAT: sqlite3_bind_double(insert, i + 1, sqlite3_value_double(values[i])); break;
        case SQLITE_TEXT:
            sqlite3_bind_text(insert, i + 1, (const char *)sqlite3_value_text(values[i]),
                              sqlite3_value_bytes(values[i]), SQLITE_STATIC);
            break;
        default: sqlite3_bind_null(insert, i + 1); break;
        }
    }
    if (sqlite3_step(insert) != SQLITE_DONE)
        bench_fail("SQLite, insert: %s", sqlite3_errmsg(db));
    sqlite3_reset(insert);
}

static void insert_all(sqlite3 *db, const struct baseline_rows *rows, size_t batch)
{
    sqlite3_stmt *fact = prepare(db, fact_insert);
    sqlite3_stmt *payload = prepare(db, payload_insert);
    sqlite3_stmt *begin = prepare(db, "BEGIN IMMEDIATE");
    sqlite3_stmt *commit = prepare(db, "COMMIT");
    size_t        next_payload = 0;

    for (size_t i = 0; i < rows->fact_count; i++) {
        sqlite3_value *const *values = &rows->facts[i * FACT_COLUMNS];
        if (i % batch == 0)
            insert_row(db, begin, NULL, 0);
        insert_row(db, fact, values, FACT_COLUMNS);
        if (next_payload < rows->payload_count &&
            sqlite3_value_int64(rows->payloads[next_payload * PAYLOAD_COLUMNS]) == sqlite3_value_int64(values[0]))
            insert_row(db, payload, &rows->payloads[next_payload++ * PAYLOAD_COLUMNS], PAYLOAD_COLUMNS);
        if (i % batch == batch - 1 || i + 1 == rows->fact_count)
            insert_row(db, commit, NULL, 0);
    }
    sqlite3_finalize(fact);
    sqlite3_finalize(payload);
    sqlite3_finalize(begin);
    sqlite3_finalize(commit);
    if (next_payload != rows->payload_count)
        bench_fail("%zu payloads were not inserted", rows->payload_count - next_payload);
}

double baseline_insert(const struct baseline_rows *rows, const char *our_database, const char *path, size_t batch,
                       double *ret_cpu_seconds)
{
    sqlite3 *db = open_database(path);
    copy_schema(db, our_database);

    uint64_t cpu = bench_cpu_ns();
    uint64_t begin = bench_now_ns();
    insert_all(db, rows, batch);
    uint64_t end = bench_now_ns();
    *ret_cpu_seconds = (double)(bench_cpu_ns() - cpu) / 1e9;
    sqlite3_close(db);
    return (double)(end - begin) / 1e9;
}

/* ---- The gateway's table ---- */

struct wide_table {
    sqlite3      *db;
    sqlite3_stmt *begin;
    sqlite3_stmt *insert;
    sqlite3_stmt *commit;
    sqlite3_stmt *select;
    uint64_t      number;
};

/* The columns of the table in their order; NULL: no text of the event. */
static const char wide_insert[] =
    "INSERT INTO audit_trails VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";
static const int wide_columns[EVENT_FIELD_COUNT] = {
    [EVENT_correlation_id] = 3,    [EVENT_request_id] = 4,    [EVENT_action] = 5,       [EVENT_resource_type] = 6,
    [EVENT_resource_id] = 7,       [EVENT_resource_name] = 8, [EVENT_user_id] = 9,      [EVENT_user_email] = 10,
    [EVENT_team_id] = 11,          [EVENT_client_ip] = 12,    [EVENT_user_agent] = 13,  [EVENT_request_path] = 14,
    [EVENT_request_method] = 15,   [EVENT_old_values] = 16,   [EVENT_new_values] = 17,  [EVENT_changes] = 18,
    [EVENT_error_message] = 22,    [EVENT_context] = 23,      [EVENT_auth_method] = 24, [EVENT_acting_as] = 25,
    [EVENT_delegation_chain] = 26,
};

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "r");
    if (file == NULL)
        bench_fail("cannot read %s", path);
    char  *text = calloc(1, 65536);
    size_t size = text != NULL ? fread(text, 1, 65535, file) : 0;
    if (size == 0)
        bench_fail("cannot read %s", path);
    fclose(file);
    return text;
}

struct wide_table *wide_open(const char *path, const char *schema_file)
{
    struct wide_table *table = calloc(1, sizeof *table);
    char              *schema = read_file(schema_file);
    if (table == NULL)
        bench_fail("no memory for the table");
    table->db = open_database(path);
    run(table->db, schema);
    free(schema);
    table->begin = prepare(table->db, "BEGIN");
    table->insert = prepare(table->db, wide_insert);
    table->commit = prepare(table->db, "COMMIT");
    table->select = prepare(table->db, "SELECT * FROM audit_trails WHERE id = ?");
    return table;
}

void wide_close(struct wide_table *table)
{
    sqlite3_finalize(table->begin);
    sqlite3_finalize(table->insert);
    sqlite3_finalize(table->commit);
    sqlite3_finalize(table->select);
    sqlite3_close(table->db);
    free(table);
}

/* A random UUID, as the gateway's model makes one for each row. */
static void make_id(char out[37])
{
    uint64_t high;
    uint64_t low;
    sqlite3_randomness((int)sizeof high, &high);
    sqlite3_randomness((int)sizeof low, &low);
    snprintf(out, 37, "%08llx-%04llx-4%03llx-a%03llx-%012llx", (unsigned long long)(high >> 32),
             (unsigned long long)(high >> 16 & 0xFFFF), (unsigned long long)(high & 0xFFF),
             (unsigned long long)(low >> 52), (unsigned long long)(low & 0xFFFFFFFFFFFF));
}

static void insert_wide(struct wide_table *table, const struct trail_event *event, const char *id)
{
    sqlite3_stmt *insert = table->insert;
    char          when[64];
    time_t        seconds = (time_t)(event->timestamp_us / 1000000);
    struct tm     utc;
    char          text[32];

    gmtime_r(&seconds, &utc);
    strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &utc);
    snprintf(when, sizeof when, "%s.%06d+00:00", text, (int)(event->timestamp_us % 1000000));
    sqlite3_clear_bindings(insert);
    sqlite3_bind_text(insert, 1, id, -1, SQLITE_STATIC);
    sqlite3_bind_text(insert, 2, when, -1, SQLITE_STATIC);
    for (size_t i = 0; i < EVENT_FIELD_COUNT; i++) {
        struct trail_text field = event_text(event, (enum event_field)i);
        if (field.size > 0)
            sqlite3_bind_text(insert, wide_columns[i], field.data, (int)field.size, SQLITE_STATIC);
    }
    sqlite3_bind_int(insert, 20, event->requires_review == TRAIL_REVIEW_YES);
    sqlite3_bind_int(insert, 21, event->outcome == TRAIL_OUTCOME_SUCCESS);
    if (sqlite3_step(insert) != SQLITE_DONE)
        bench_fail("SQLite, insert: %s", sqlite3_errmsg(table->db));
    sqlite3_reset(insert);
}

void wide_record(struct wide_table *table, const struct trail_event *event)
{
    char id[37];
    make_id(id);
    insert_row(table->db, table->begin, NULL, 0);
    insert_wide(table, event, id);
    insert_row(table->db, table->commit, NULL, 0);
    sqlite3_bind_text(table->select, 1, id, -1, SQLITE_STATIC);
    if (sqlite3_step(table->select) != SQLITE_ROW)
        bench_fail("the row that was just stored is not there");
    sqlite3_reset(table->select);
}

void wide_fill(struct wide_table *table, const struct workload *workload)
{
    char id[37];
    run(table->db, "BEGIN");
    for (size_t i = 0; i < workload->count; i++) {
        make_id(id);
        insert_wide(table, &workload->records[i].event, id);
    }
    run(table->db, "COMMIT");
}

double database_bytes(const char *path)
{
    sqlite3 *db = open_database(path);
    run(db, "PRAGMA wal_checkpoint(TRUNCATE)");
    sqlite3_stmt *size = prepare(db, "SELECT (page_count - freelist_count) * page_size "
                                     "FROM pragma_page_count(), pragma_freelist_count(), pragma_page_size()");
    if (sqlite3_step(size) != SQLITE_ROW)
        bench_fail("SQLite, size of %s: %s", path, sqlite3_errmsg(db));
    double bytes = sqlite3_column_double(size, 0);
    sqlite3_finalize(size);
    sqlite3_close(db);
    return bytes;
}
