/* bench.h -- what the benchmark programs share: a clock, a way to give up, results, and events made beforehand.
 *
 * A program measures one case once and prints "<case>.<figure><TAB><number>" lines; scripts/bench runs the cases of
 * ours and of what stands beside it alternately, for several rounds, and makes the table of ratios.
 *
 * Thread: a workload is read-only once made; the rest belongs to the main thread.
 * Memory: a workload owns the texts of its events.
 * Errors: a benchmark that cannot run says why and ends the program.
 */
#ifndef TRAIL_TESTS_BENCH_H
#define TRAIL_TESTS_BENCH_H

#include <time.h>

#include "bench/histogram.h"
#include "event/event.h"

/* About 25 ns, and as much is in every latency that is printed. */
static inline uint64_t bench_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Processor time of the whole process so far, in nanoseconds: what a busy machine does not change much. */
static inline uint64_t bench_cpu_ns(void)
{
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (uint64_t)used.tv_sec * 1000000000u + (uint64_t)used.tv_nsec;
}

/* Say it and end the program. */
__attribute__((format(printf, 1, 2), noreturn)) void bench_fail(const char *format, ...);

/* ---- Results ---- */

void bench_print(const char *name, const char *figure, double value);

/* p50, p99, p999, max in nanoseconds. */
void bench_print_latency(const char *name, const struct histogram *histogram);

/* ---- Arguments: bench_record --threads 4 --mode paced ---- */

/* The text behind --name, or `otherwise`. */
const char *bench_argument(int argc, char **argv, const char *name, const char *otherwise);
uint64_t    bench_number(int argc, char **argv, const char *name, uint64_t otherwise);

/* ---- Events made beforehand ---- */

/* Enough that branches cannot be learned by heart, few enough to stay in the cache, as an event that a service has
 * just put together is. */
#define WORKLOAD_SMALL_COUNT 256

enum workload_kind {
    WORKLOAD_MIXED,  /* As the generator makes them: one in ten has old and new values. */
    WORKLOAD_PLAIN,  /* Only those without values: about 400 bytes of text. */
    WORKLOAD_WRITES, /* Only those with values: about 1,200 bytes. */
};

struct workload {
    struct event_record *records;
    size_t               count;
    char                *texts;
    size_t               text_bytes; /* Of all events together. */
};

/* `live`: without timestamp, so that each is recorded as of now. */
void workload_make(struct workload *workload, size_t count, enum workload_kind kind, bool live);
void workload_free(struct workload *workload);

#endif
