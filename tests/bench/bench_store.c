/* bench_store.c -- how fast events reach SQLite, and how much room they take there.
 *
 *     bench_store --dir DIR --schema FILE [--events N] [--wide-events N]
 *
 * end_to_end  trail_record() back to back on one thread until the last event is committed, default settings
 * write       store_write() alone, of events that lie in memory, 8,000 a batch
 * bare        the least that can be done for the same rows: see sqlite_baseline.h; batches as large as end_to_end had
 * wide        the gateway's table and its way of writing: a transaction and a read per event
 *
 * What is written are the generator's events with their own timestamps; making them is not measured. */
#include <stdio.h>
#include <sys/stat.h>

#include "bench/sqlite_baseline.h"
#include "bench/trail_contender.h"
#include "store/store.h"

#define WRITE_BATCH 8000

struct paths {
    char directory[256];
    char ours[320]; /* The database of the trail. */
    char alone[320];
    char bare[320];
    char wide[320];
    char wide_full[320];
};

/* Returns the transactions. */
static uint64_t measure_end_to_end(const struct paths *paths, const struct workload *workload)
{
    struct trail_stats before = { .struct_size = sizeof before };
    struct trail_stats after = { .struct_size = sizeof after };
    struct trail      *trail = trail_contender_open(paths->directory, NULL);

    contender_trail.record(trail, &workload->records[0].event); /* Opens the spool and the database. */
    trail_contender_flush(trail);
    trail_stats(trail, &before);
    uint64_t cpu = bench_cpu_ns();
    uint64_t begin = bench_now_ns();
    for (size_t i = 1; i < workload->count; i++)
        contender_trail.record(trail, &workload->records[i].event);
    uint64_t accepted = bench_now_ns();
    trail_contender_flush(trail);
    uint64_t end = bench_now_ns();
    cpu = bench_cpu_ns() - cpu;
    trail_stats(trail, &after);
    if (after.stored != workload->count)
        bench_fail("%zu events were recorded, %llu are stored", workload->count, (unsigned long long)after.stored);
    contender_trail.close(trail);

    bench_print("store_end_to_end", "per_second", (double)(workload->count - 1) * 1e9 / (double)(end - begin));
    bench_print("store_end_to_end", "cpu", (double)cpu / (double)(workload->count - 1));
    bench_print("store_end_to_end", "accepted_share", (double)(accepted - begin) / (double)(end - begin));
    bench_print("store_end_to_end", "batch",
                (double)(workload->count - 1) / (double)(after.transactions - before.transactions));
    return after.transactions - before.transactions;
}

static void measure_write(const struct paths *paths, const struct workload *workload)
{
    char                      url[340];
    struct store             *store = NULL;
    struct trail_error        error = { 0 };
    uint64_t                  last_seq = 0;
    const struct store_writer writer = { .uuid = { { 1 } }, .service = TRAIL_TEXT("bench"), .pid = 1, .started_us = 1 };

    snprintf(url, sizeof url, "sqlite:%s", paths->alone);
    if (store_open(&store, url, NULL, &error) != TRAIL_OK ||
        store_writer_add(store, &writer, &last_seq, &error) != TRAIL_OK)
        bench_fail("the store: %s", error.message);
    uint64_t cpu = bench_cpu_ns();
    uint64_t begin = bench_now_ns();
    for (size_t i = 0; i < workload->count; i += WRITE_BATCH) {
        size_t             left = workload->count - i;
        size_t             count = left < WRITE_BATCH ? left : WRITE_BATCH;
        struct store_batch batch = { .writer = &writer.uuid,
                                     .first_seq = i + 1,
                                     .last_seq = i + count,
                                     .events = workload->records + i,
                                     .event_count = count,
                                     .recorded_at_us = 1 };
        if (store_write(store, &batch, &last_seq, &error) != TRAIL_OK)
            bench_fail("the store: %s", error.message);
    }
    uint64_t end = bench_now_ns();
    bench_print("store_write", "cpu", (double)(bench_cpu_ns() - cpu) / (double)workload->count);
    store_close(store);
    bench_print("store_write", "per_second", (double)workload->count * 1e9 / (double)(end - begin));
}

static void measure_bare(const struct paths *paths, uint64_t transactions)
{
    struct baseline_rows *rows = baseline_read(paths->ours);
    size_t                count = baseline_count(rows);
    double                cpu_seconds = 0;
    double seconds = baseline_insert(rows, paths->ours, paths->bare, count / transactions + 1, &cpu_seconds);
    bench_print("store_bare", "per_second", (double)count / seconds);
    bench_print("store_bare", "cpu", cpu_seconds * 1e9 / (double)count);
    bench_print("store_bare", "bytes_per_event", database_bytes(paths->bare) / (double)count);
    bench_print("store_end_to_end", "bytes_per_event", database_bytes(paths->ours) / (double)count);
    baseline_free(rows);
}

static void measure_wide(const struct paths *paths, const char *schema, const struct workload *workload, size_t count)
{
    struct histogram   latency = { .count = 0 };
    struct wide_table *table = wide_open(paths->wide, schema);
    uint64_t           begin = bench_now_ns();
    for (size_t i = 0; i < count; i++) {
        uint64_t before = bench_now_ns();
        wide_record(table, &workload->records[i % workload->count].event);
        histogram_add(&latency, bench_now_ns() - before);
    }
    uint64_t end = bench_now_ns();
    wide_close(table);
    bench_print("store_wide", "per_second", (double)count * 1e9 / (double)(end - begin));
    bench_print_latency("store_wide", &latency);

    table = wide_open(paths->wide_full, schema);
    wide_fill(table, workload);
    wide_close(table);
    bench_print("store_wide", "bytes_per_event", database_bytes(paths->wide_full) / (double)workload->count);
}

int main(int argc, char **argv)
{
    struct workload workload;
    struct paths    paths;
    const char     *directory = bench_argument(argc, argv, "--dir", ".");
    const char     *schema = bench_argument(argc, argv, "--schema", NULL);
    size_t          events = (size_t)bench_number(argc, argv, "--events", 200000);
    size_t          wide_events = (size_t)bench_number(argc, argv, "--wide-events", 3000);

    if (schema == NULL)
        bench_fail("--schema wants the file with the gateway's table");
    snprintf(paths.directory, sizeof paths.directory, "%s/trail", directory);
    snprintf(paths.ours, sizeof paths.ours, "%s/audit.db", paths.directory);
    snprintf(paths.alone, sizeof paths.alone, "%s/alone.db", directory);
    snprintf(paths.bare, sizeof paths.bare, "%s/bare.db", directory);
    snprintf(paths.wide, sizeof paths.wide, "%s/wide.db", directory);
    snprintf(paths.wide_full, sizeof paths.wide_full, "%s/wide_full.db", directory);
    mkdir(paths.directory, 0700);

    workload_make(&workload, events, WORKLOAD_MIXED, false);
    bench_print("store", "text_bytes_per_event", (double)workload.text_bytes / (double)workload.count);
    uint64_t transactions = measure_end_to_end(&paths, &workload);
    measure_bare(&paths, transactions);
    measure_write(&paths, &workload);
    measure_wide(&paths, schema, &workload, wide_events);
    workload_free(&workload);
    return 0;
}
