/* bench_postgresql_reads.c -- what a PostgreSQL that holds many events is like: to read, to clean up, to write to.
 *
 *     bench_postgresql_reads --case CASE --dir DIR --url URL --schema FILE [--events N] [--queries N] [--program PATH]
 *
 * day, days  so many events in one day, or over 89 of them; then the queries that people ask, through trail_query_*
 * cleanup    a day of events is cleaned up by `audittrail cleanup` (PATH); beside it a DELETE of the same events from
 *            the gateway's table
 * actors     every event has an actor that was never seen before
 * growth     the rate of the first million and of the last
 *
 * Events come from the generator while they are recorded: making them (1-2 us) is part of every rate here, and a
 * comparison with bench_postgresql would be wrong. */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/generator.h"
#include "bench/postgresql_baseline.h"
#include "bench/trail_contender.h"

#define DAY_US (INT64_C(86400) * 1000000)
#define PAGE 100
#define MANY 500
#define PART_EVENTS 1000000 /* What growth compares. */

struct bench {
    const char *url;
    const char *directory;
    const char *schema;
    const char *program;
    size_t      events;
    size_t      queries;
    int64_t     first_us; /* When event 0 happened. */
    double      step_us;  /* Between two events. */
    bool        new_actors;
    char        url_setting[600];
};

static int64_t today_us(void)
{
    return (int64_t)time(NULL) * 1000000 / DAY_US * DAY_US;
}

static void make_event(const struct bench *bench, uint64_t i, struct generated_event *out)
{
    static char         user[32];
    struct trail_event *event = &out->record.event;
    generator_event(i, out);
    event->timestamp_us = bench->first_us + (int64_t)((double)i * bench->step_us);
    if (bench->new_actors)
        event->user_id =
            (struct trail_text){ user, (size_t)snprintf(user, sizeof user, "visitor-%llu", (unsigned long long)i) };
}

/* What is recorded faster than it is stored waits, and the recording with it. */
static struct trail *open_trail(struct bench *bench)
{
    const char *settings[] = { bench->url_setting, "AUDIT_TRAIL_OVERFLOW=block",
                               "AUDIT_TRAIL_OVERFLOW_TIMEOUT_MS=60000", "AUDIT_TRAIL_CLEANUP_ENABLED=false", NULL };
    snprintf(bench->url_setting, sizeof bench->url_setting, "AUDIT_TRAIL_DATABASE_URL=%s", bench->url);
    return trail_contender_open(bench->directory, settings);
}

/* Record events first to last - 1 and wait until they are stored; returns events per second. */
static double record_events(const struct bench *bench, struct trail *trail, uint64_t first, uint64_t last)
{
    static struct generated_event generated;
    uint64_t                      begin = bench_now_ns();
    for (uint64_t i = first; i < last; i++) {
        make_event(bench, i, &generated);
        contender_trail.record(trail, &generated.record.event);
    }
    trail_contender_flush(trail);
    return (double)(last - first) * 1e9 / (double)(bench_now_ns() - begin);
}

static void fill(struct bench *bench)
{
    struct trail *trail = open_trail(bench);
    record_events(bench, trail, 0, bench->events);
    contender_trail.close(trail);
    PGconn *connection = baseline_connect(bench->url);
    baseline_run(connection, "VACUUM ANALYZE"); /* As autovacuum would have, meanwhile. */
    PQfinish(connection);
}

/* ---- Queries ---- */

enum question { BY_USER, BY_RESOURCE, BY_CORRELATION, PAGE_BY_TIME, FIRST_PAGE, QUESTION_COUNT };
static const char *const question_names[QUESTION_COUNT] = { "user", "resource", "correlation", "page", "first" };

static void ask_for(enum question question, const struct trail_event *event, struct trail_filter *filter)
{
    switch (question) {
    case BY_USER: filter->user_id = event->user_id; break;
    case BY_RESOURCE:
        filter->resource_type = event->resource_type;
        filter->resource_id = event->resource_id;
        break;
    case BY_CORRELATION: filter->correlation_id = event->correlation_id; break;
    case PAGE_BY_TIME: filter->until_us = event->timestamp_us; break;
    case FIRST_PAGE:
    case QUESTION_COUNT: break;
    }
}

/* Read the first page; returns how many events were on it. Opening is not part of the time. */
static size_t ask(const struct bench *bench, const struct trail_filter *filter, struct histogram *latency)
{
    struct trail_query       *query = NULL;
    struct trail_stored_event event;
    struct trail_error        error = { 0 };
    size_t                    count = 0;
    enum trail_err            err = trail_query_open(&query, bench->url, filter, &error);
    uint64_t                  begin = bench_now_ns();

    while (err == TRAIL_OK && count < PAGE) {
        err = trail_query_next(query, &event, &error);
        count += err == TRAIL_OK;
    }
    histogram_add(latency, bench_now_ns() - begin);
    if (err != TRAIL_OK && err != TRAIL_ENOTFOUND)
        bench_fail("a query: %s", error.message);
    trail_query_close(query);
    return count;
}

static void measure_question(const struct bench *bench, const char *name, enum question question)
{
    static struct generated_event generated;
    struct histogram             *latency = calloc(1, sizeof *latency);
    char                          case_name[64];
    size_t                        found = 0;

    if (latency == NULL)
        bench_fail("no memory for the latencies");
    for (size_t i = 0; i < bench->queries; i++) {
        struct trail_filter filter = { TRAIL_FILTER_INIT };
        /* An event that is there: busy people are asked about more often. */
        make_event(bench, (uint64_t)((double)bench->events * ((double)i + 0.5) / (double)bench->queries), &generated);
        ask_for(question, &generated.record.event, &filter);
        size_t count = ask(bench, &filter, latency);
        if (count == 0)
            bench_fail("question %s found nothing, but event %zu is there", question_names[question], i);
        found += count;
    }
    snprintf(case_name, sizeof case_name, "pg_%s_%s", name, question_names[question]);
    bench_print_latency(case_name, latency);
    bench_print(case_name, "found", (double)found / (double)bench->queries);
    free(latency);
}

static void measure_questions(struct bench *bench, const char *name)
{
    fill(bench);
    for (int question = 0; question < QUESTION_COUNT; question++)
        measure_question(bench, name, (enum question)question);
}

static void case_day(struct bench *bench)
{
    bench->first_us = today_us() - DAY_US;
    bench->step_us = (double)DAY_US / (double)bench->events;
    measure_questions(bench, "day");
}

static void case_days(struct bench *bench)
{
    bench->first_us = today_us() - 89 * DAY_US;
    bench->step_us = 89.0 * (double)DAY_US / (double)bench->events;
    measure_questions(bench, "days");
}

/* ---- Clean-up ---- */

static void delete_from_gateway(const struct bench *bench)
{
    static struct generated_event generated[MANY];
    static struct event_record    records[MANY];
    PGconn                       *connection = baseline_connect(bench->url);
    gateway_create(connection, bench->schema);
    for (size_t i = 0; i < bench->events; i += MANY) {
        for (size_t j = 0; j < MANY; j++) {
            make_event(bench, i + j, &generated[j]);
            records[j] = generated[j].record;
        }
        gateway_insert(connection, records, MANY);
    }
    baseline_run(connection, "VACUUM ANALYZE audit_trails");
    baseline_run(connection, "CHECKPOINT");
    uint64_t begin = bench_now_ns();
    baseline_run(connection, "DELETE FROM audit_trails WHERE timestamp < now() - interval '30 days'");
    bench_print("pg_delete", "ns", (double)(bench_now_ns() - begin));
    baseline_run(connection, "VACUUM audit_trails"); /* Until then neither table nor indexes are smaller. */
    bench_print("pg_delete_vacuum", "ns", (double)(bench_now_ns() - begin));
    if (baseline_number(connection, "SELECT count(*) FROM audit_trails") != 0)
        bench_fail("events are left in the gateway's table");
    baseline_run(connection, "DROP TABLE audit_trails");
    PQfinish(connection);
}

/* Run `audittrail cleanup` as an operator does. */
static void run_cleanup(const struct bench *bench)
{
    char        state[600];
    char        url[600];
    const char *arguments[] = { bench->program, "cleanup", "--env-file", "/dev/null", "--days", "30",
                                "--set",        state,     "--set",      url,         NULL };
    pid_t       child;
    int         status = -1;

    snprintf(state, sizeof state, "AUDIT_TRAIL_STATE_DIR=%s", bench->directory);
    snprintf(url, sizeof url, "AUDIT_TRAIL_DATABASE_URL=%s", bench->url);
    posix_spawn_file_actions_t actions;
    if (posix_spawn_file_actions_init(&actions) != 0 ||
        posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO) != 0 ||
        posix_spawnp(&child, bench->program, &actions, NULL, (char *const *)arguments, environ) != 0)
        bench_fail("cannot run %s", bench->program);
    if (waitpid(child, &status, 0) != child || status != 0)
        bench_fail("the clean-up ended with %d", status);
    posix_spawn_file_actions_destroy(&actions);
}

static void case_cleanup(struct bench *bench)
{
    bench->first_us = today_us() - 60 * DAY_US;
    bench->step_us = (double)DAY_US / (double)bench->events;
    fill(bench);
    /* The same people do the same things yesterday: what an expired day refers to is in use, as it is in a service that
     * goes on. Without it every reference is retired and deleted, and that is what is measured. */
    bench->first_us = today_us() - DAY_US;
    fill(bench);
    bench->first_us = today_us() - 60 * DAY_US;
    PGconn *connection = baseline_connect(bench->url);
    baseline_run(connection, "CHECKPOINT");
    uint64_t begin = bench_now_ns();
    run_cleanup(bench);
    bench_print("pg_cleanup", "ns", (double)(bench_now_ns() - begin));
    double left = baseline_number(
        connection, "SELECT count(*) FROM audittrail.audit_events WHERE timestamp < now() - interval '31 days'");
    if (left != 0)
        bench_fail("the clean-up left %.0f events", left);
    PQfinish(connection);
    delete_from_gateway(bench);
}

/* ---- Writing ---- */

static void case_actors(struct bench *bench)
{
    struct rusage usage;
    bench->first_us = today_us() - DAY_US;
    bench->step_us = (double)DAY_US / (double)bench->events;
    bench->new_actors = true;
    struct trail *trail = open_trail(bench);
    bench_print("pg_actors", "per_second", record_events(bench, trail, 0, bench->events));
    contender_trail.close(trail);
    getrusage(RUSAGE_SELF, &usage);
    bench_print("pg_actors", "peak_bytes", (double)usage.ru_maxrss * 1024);
}

static void case_growth(struct bench *bench)
{
    size_t part = bench->events / 2 < PART_EVENTS ? bench->events / 2 : PART_EVENTS;
    bench->first_us = today_us() - 10 * DAY_US;
    bench->step_us = 10.0 * (double)DAY_US / (double)bench->events;
    struct trail *trail = open_trail(bench);
    bench_print("pg_growth_first", "per_second", record_events(bench, trail, 0, part));
    record_events(bench, trail, part, bench->events - part);
    bench_print("pg_growth_last", "per_second", record_events(bench, trail, bench->events - part, bench->events));
    contender_trail.close(trail);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(struct bench *);
    } cases[] = { { "day", case_day },
                  { "days", case_days },
                  { "cleanup", case_cleanup },
                  { "actors", case_actors },
                  { "growth", case_growth } };
    const char  *name = bench_argument(argc, argv, "--case", "");
    struct bench bench = { .url = bench_argument(argc, argv, "--url", NULL),
                           .schema = bench_argument(argc, argv, "--schema", NULL),
                           .directory = bench_argument(argc, argv, "--dir", "."),
                           .program = bench_argument(argc, argv, "--program", "audittrail"),
                           .events = (size_t)bench_number(argc, argv, "--events", 1000000),
                           .queries = (size_t)bench_number(argc, argv, "--queries", 200) };

    if (bench.url == NULL || bench.schema == NULL || bench.queries == 0 || bench.events == 0 ||
        bench.events % MANY != 0)
        bench_fail("--url, --schema, --queries above 0, and --events as a multiple of 500 are wanted");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (strcmp(cases[i].name, name) == 0) {
            cases[i].run(&bench);
            return 0;
        }
    }
    bench_fail("there is no case called %s", name);
}
