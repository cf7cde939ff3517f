/* bench_postgresql.c -- how fast events reach PostgreSQL, what that costs the server, and how much room they take.
 *
 *     bench_postgresql --dir DIR --url URL --schema FILE --reverse 0|1 [--events N] [--many N] [--requests N]
 *
 * The database is empty and ours alone. All contenders take the same events, in turn; with --reverse 1 the other way
 * round, but that our rows must be there before they can be copied.
 *
 * trail    trail_record() back to back on one thread until the last event is committed, default settings
 * bare     a binary COPY of the rows that this made, in batches of the same size, into a table like ours
 * many     INSERTs of 500 rows into the gateway's table with its 18 indexes, --many events of them
 * request  the gateway's way: INSERT, COMMIT, SELECT per event */
#include <stdio.h>
#include <sys/stat.h>

#include "bench/generator.h"
#include "bench/postgresql_baseline.h"
#include "bench/trail_contender.h"

#define MANY 500

struct bench {
    const char     *url;
    const char     *directory;
    const char     *schema;
    PGconn         *observer;
    PGconn         *connection;
    struct workload workload;
    size_t          many;
    size_t          requests;
    size_t          stored; /* Events in the table that is looked at. */
    size_t          batch;  /* Events per transaction, as the trail had it. */
};

/* The events happened yesterday: today is not over, and what is older than the retention period has no day. */
static void move_to_yesterday(struct workload *workload)
{
    const int64_t day_us = INT64_C(86400) * 1000000;
    int64_t       yesterday_us = (int64_t)time(NULL) * 1000000 / day_us * day_us - day_us;
    for (size_t i = 0; i < workload->count; i++) {
        int64_t *when = &workload->records[i].event.timestamp_us;
        *when = yesterday_us + (*when - GENERATOR_START_US) % day_us;
    }
}

/* The backend of the trail's one connection. */
static int trail_backend(PGconn *observer, PGconn *connection)
{
    char sql[200];
    snprintf(sql, sizeof sql,
             "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid NOT IN (%d, %d)",
             PQbackendPID(observer), PQbackendPID(connection));
    return (int)baseline_number(observer, sql);
}

/* Bytes per event of one relation or of all of a schema: table without and with TOAST, and indexes. */
static void print_size(struct bench *bench, const char *name, const char *figure, const char *what)
{
    char sql[600];
    snprintf(sql, sizeof sql,
             "SELECT coalesce(sum(%s), 0) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
             "WHERE c.relkind = 'r' AND %s",
             figure, what);
    double bytes = baseline_number(bench->observer, sql);
    bench_print(name, "bytes", bytes / (double)bench->stored);
}

static void print_sizes(struct bench *bench, const char *name, const char *what)
{
    char case_name[80];
    snprintf(case_name, sizeof case_name, "%s_heap", name);
    print_size(bench, case_name, "pg_relation_size(c.oid)", what);
    snprintf(case_name, sizeof case_name, "%s_index", name);
    print_size(bench, case_name, "pg_indexes_size(c.oid)", what);
    snprintf(case_name, sizeof case_name, "%s_toast", name);
    print_size(bench, case_name, "pg_table_size(c.oid) - pg_relation_size(c.oid)", what);
    snprintf(case_name, sizeof case_name, "%s_all", name);
    print_size(bench, case_name, "pg_total_relation_size(c.oid)", what);
}

static void measure_trail(struct bench *bench)
{
    char                     setting[600];
    const char              *settings[] = { setting, NULL };
    const struct workload   *workload = &bench->workload;
    struct trail_stats       before = { .struct_size = sizeof before };
    struct trail_stats       after = { .struct_size = sizeof after };
    const struct trail_event first = { TRAIL_EVENT_INIT, .action = TRAIL_TEXT("get_ready"),
                                       .resource_type = TRAIL_TEXT("bench"), .user_id = TRAIL_TEXT("bench") };

    snprintf(setting, sizeof setting, "AUDIT_TRAIL_DATABASE_URL=%s", bench->url);
    struct trail *trail = trail_contender_open(bench->directory, settings);
    contender_trail.record(trail, &first); /* Opens the spool, the connection, the schema and the days. */
    trail_contender_flush(trail);
    trail_stats(trail, &before);
    int                backend = trail_backend(bench->observer, bench->connection);
    uint64_t           cpu = bench_cpu_ns();
    struct server_cost begin = cost_begin(bench->observer, backend);
    for (size_t i = 0; i < workload->count; i++)
        contender_trail.record(trail, &workload->records[i].event);
    uint64_t accepted = bench_now_ns() - begin.wall_ns;
    trail_contender_flush(trail);
    struct server_cost cost = cost_end(bench->observer, backend, &begin);
    cpu = bench_cpu_ns() - cpu;
    trail_stats(trail, &after);
    if (after.stored - before.stored != workload->count)
        bench_fail("%zu events were recorded, %llu are stored", workload->count,
                   (unsigned long long)(after.stored - before.stored));
    contender_trail.close(trail);

    bench->batch = workload->count / (after.transactions - before.transactions) + 1;
    cost_print("pg_trail", &cost, workload->count);
    bench_print("pg_trail", "cpu", (double)cpu / (double)workload->count);
    bench_print("pg_trail", "accepted_share", (double)accepted / (double)cost.wall_ns);
    bench_print("pg_trail", "batch", (double)bench->batch);
    bench->stored = workload->count;
    print_sizes(bench, "pg_trail", "n.nspname = 'audittrail'");
    print_sizes(bench, "pg_facts", "n.nspname = 'audittrail' AND c.relname ~ '^audit_events_'");
}

static void measure_bare(struct bench *bench)
{
    struct copied_rows rows;
    copied_rows_read(&rows, bench->connection);
    if (rows.count < bench->workload.count)
        bench_fail("%zu events were stored, but only %zu stand in days", bench->workload.count, rows.count);
    bare_create(bench->connection);
    int                backend = PQbackendPID(bench->connection);
    uint64_t           cpu = bench_cpu_ns();
    struct server_cost begin = cost_begin(bench->observer, backend);
    bare_copy(bench->connection, &rows, bench->batch);
    struct server_cost cost = cost_end(bench->observer, backend, &begin);
    cost_print("pg_bare", &cost, rows.count);
    bench_print("pg_bare", "cpu", (double)(bench_cpu_ns() - cpu) / (double)rows.count);
    baseline_run(bench->connection, "DROP SCHEMA bare CASCADE");
    copied_rows_free(&rows);
}

static void measure_many(struct bench *bench)
{
    const struct workload *workload = &bench->workload;
    gateway_create(bench->connection, bench->schema);
    int                backend = PQbackendPID(bench->connection);
    struct server_cost begin = cost_begin(bench->observer, backend);
    for (size_t i = 0; i < bench->many; i += MANY) {
        size_t left = bench->many - i;
        gateway_insert(bench->connection, workload->records + i, left < MANY ? left : MANY);
    }
    struct server_cost cost = cost_end(bench->observer, backend, &begin);
    cost_print("pg_many", &cost, bench->many);
    bench->stored = bench->many;
    print_sizes(bench, "pg_gateway", "c.relname = 'audit_trails'");
    baseline_run(bench->connection, "DROP TABLE audit_trails");
}

static void measure_request(struct bench *bench)
{
    static struct histogram latency;
    gateway_create(bench->connection, bench->schema);
    int                backend = PQbackendPID(bench->connection);
    struct server_cost begin = cost_begin(bench->observer, backend);
    for (size_t i = 0; i < bench->requests; i++) {
        uint64_t before = bench_now_ns();
        gateway_record(bench->connection, &bench->workload.records[i % bench->workload.count].event);
        histogram_add(&latency, bench_now_ns() - before);
    }
    struct server_cost cost = cost_end(bench->observer, backend, &begin);
    cost_print("pg_request", &cost, bench->requests);
    bench_print_latency("pg_request", &latency);
    baseline_run(bench->connection, "DROP TABLE audit_trails");
}

int main(int argc, char **argv)
{
    static void (*const contenders[])(struct bench *) = { measure_request, measure_trail, measure_bare, measure_many };
    static void (*const reversed[])(struct bench *) = { measure_many, measure_trail, measure_bare, measure_request };
    struct bench bench = { .url = bench_argument(argc, argv, "--url", NULL),
                           .schema = bench_argument(argc, argv, "--schema", NULL),
                           .directory = bench_argument(argc, argv, "--dir", "."),
                           .requests = (size_t)bench_number(argc, argv, "--requests", 3000) };
    bool         reverse = bench_number(argc, argv, "--reverse", 0) != 0;

    if (bench.url == NULL || bench.schema == NULL)
        bench_fail("--url wants the database, --schema the file with the gateway's table");
    bench.observer = baseline_connect(bench.url);
    bench.connection = baseline_connect(bench.url);
    workload_make(&bench.workload, (size_t)bench_number(argc, argv, "--events", 200000), WORKLOAD_MIXED, false);
    move_to_yesterday(&bench.workload);
    bench.many = (size_t)bench_number(argc, argv, "--many", bench.workload.count);
    if (bench.many > bench.workload.count)
        bench_fail("--many cannot be more than --events");
    for (size_t i = 0; i < sizeof contenders / sizeof contenders[0]; i++)
        (reverse ? reversed : contenders)[i](&bench);
    workload_free(&bench.workload);
    PQfinish(bench.connection);
    PQfinish(bench.observer);
    return 0;
}
