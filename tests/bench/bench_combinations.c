/* bench_combinations.c -- the four settings of AUDIT_TRAIL_ASYNC and AUDIT_TRAIL_BUFFER_ENABLED: what the caller waits,
 * and how many transactions an event costs.
 *
 *     bench_combinations --async true|false --buffer true|false --dir DIR [--threads N] [--events N] [--rate N]
 *
 * Asynchronous callers come at a fixed rate, as requests do; synchronous ones call back to back, as each waits for its
 * commit anyway. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "bench/bench.h"
#include "bench/trail_contender.h"

#define THREADS_MAX 16

struct caller {
    struct trail          *trail;
    const struct workload *workload;
    uint64_t               events;
    uint64_t               interval_ns; /* 0: back to back. */
    pthread_t              thread;
    struct histogram       latency;
};

static void *call(void *argument)
{
    struct caller *caller = argument;
    uint64_t       due = bench_now_ns();
    for (uint64_t i = 0; i < caller->events; i++) {
        const struct trail_event *event = &caller->workload->records[i % caller->workload->count].event;
        uint64_t                  before = bench_now_ns();
        while (before < due)
            before = bench_now_ns();
        enum trail_err err = trail_record(caller->trail, event, NULL, NULL);
        histogram_add(&caller->latency, bench_now_ns() - before);
        if (err != TRAIL_OK)
            bench_fail("an event was not taken: %s", trail_strerror(err));
        due = caller->interval_ns > 0 ? due + caller->interval_ns : 0;
    }
    return NULL;
}

static double call_from_all(struct caller *callers, size_t thread_count)
{
    uint64_t begin = bench_now_ns();
    for (size_t i = 0; i < thread_count; i++) {
        if (pthread_create(&callers[i].thread, NULL, call, &callers[i]) != 0)
            bench_fail("cannot start a thread");
    }
    for (size_t i = 0; i < thread_count; i++)
        pthread_join(callers[i].thread, NULL);
    double seconds = (double)(bench_now_ns() - begin) / 1e9;
    for (size_t i = 1; i < thread_count; i++)
        histogram_merge(&callers[0].latency, &callers[i].latency);
    return seconds;
}

int main(int argc, char **argv)
{
    static struct caller callers[THREADS_MAX];
    const char          *async = bench_argument(argc, argv, "--async", "true");
    const char          *buffer = bench_argument(argc, argv, "--buffer", "true");
    size_t               thread_count = (size_t)bench_number(argc, argv, "--threads", 1);
    uint64_t             rate = bench_number(argc, argv, "--rate", 20000);
    uint64_t             events = bench_number(argc, argv, "--events", 20000) / thread_count;
    bool                 waits = strcmp(async, "true") != 0;
    char                 settings[2][64];
    const char *const    chosen[] = { settings[0], settings[1], NULL };
    char                 name[96];
    struct workload      workload;
    struct trail_stats   before = { .struct_size = sizeof before };
    struct trail_stats   after = { .struct_size = sizeof after };

    if (thread_count < 1 || thread_count > THREADS_MAX)
        bench_fail("--threads is 1 to %d", THREADS_MAX);
    snprintf(settings[0], sizeof settings[0], "AUDIT_TRAIL_ASYNC=%s", async);
    snprintf(settings[1], sizeof settings[1], "AUDIT_TRAIL_BUFFER_ENABLED=%s", buffer);
    workload_make(&workload, WORKLOAD_SMALL_COUNT, WORKLOAD_MIXED, true);
    struct trail *trail = trail_contender_open(bench_argument(argc, argv, "--dir", "."), chosen);
    contender_trail.record(trail, &workload.records[0].event);
    trail_contender_flush(trail);
    trail_stats(trail, &before);

    for (size_t i = 0; i < thread_count; i++)
        callers[i] = (struct caller){ .trail = trail,
                                      .workload = &workload,
                                      .events = events,
                                      .interval_ns = waits ? 0 : 1000000000 * thread_count / rate };
    double seconds = call_from_all(callers, thread_count);
    trail_contender_flush(trail);
    trail_stats(trail, &after);

    snprintf(name, sizeof name, "combination_%s_%s_%zu", waits ? "sync" : "async",
             strcmp(buffer, "true") == 0 ? "buffer" : "direct", thread_count);
    bench_print_latency(name, &callers[0].latency);
    bench_print(name, "per_second", (double)(events * thread_count) / seconds);
    bench_print(name, "transactions_per_event",
                (double)(after.transactions - before.transactions) / (double)(events * thread_count));
    contender_trail.close(trail);
    workload_free(&workload);
    return 0;
}
