/* bench_record.c -- how long a caller waits for one event to be taken.
 *
 *     bench_record --contender trail|queue|spdlog --mode paced|idle|saturated --dir DIR
 *                  [--threads N] [--events N] [--rate PER_SECOND] [--idle SECONDS] [--kind plain|mixed|writes]
 *
 * paced      one thread calls at fixed times, busy-waiting on the clock between them
 * idle       as paced, after a warm-up and a time in which nothing was recorded; the figures are of what followed it
 * saturated  all threads call back to back
 *
 * The latency of a call is what the clock says behind it less what it said before it, the clock's own 25 ns included.
 * */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "bench/bench.h"
#include "bench/contender.h"

#define THREADS_MAX 16

struct job {
    const struct contender *contender;
    void                   *context;
    const struct workload  *workload;
    uint64_t                events;      /* Per thread. */
    uint64_t                interval_ns; /* 0: back to back. */
    pthread_barrier_t       start;
};

struct worker {
    struct job      *job;
    pthread_t        thread;
    size_t           number;
    struct histogram latency;
};

static void call_paced(struct worker *worker, uint64_t events, bool measured)
{
    const struct job *job = worker->job;
    uint64_t          due = bench_now_ns();
    for (uint64_t i = 0; i < events; i++) {
        const struct trail_event *event = &job->workload->records[i % job->workload->count].event;
        uint64_t                  before = bench_now_ns();
        while (before < due)
            before = bench_now_ns();
        job->contender->record(job->context, event);
        uint64_t after = bench_now_ns();
        if (measured)
            histogram_add(&worker->latency, after - before);
        due += job->interval_ns;
    }
}

static void *work(void *argument)
{
    struct worker    *worker = argument;
    const struct job *job = worker->job;
    size_t            at = worker->number * 61;

    pthread_barrier_wait(&worker->job->start);
    for (uint64_t i = 0; i < job->events; i++) {
        const struct trail_event *event = &job->workload->records[at++ % job->workload->count].event;
        uint64_t                  before = bench_now_ns();
        job->contender->record(job->context, event);
        histogram_add(&worker->latency, bench_now_ns() - before);
    }
    return NULL;
}

/* Returns events per second of all threads together. */
static double run_saturated(struct job *job, struct worker *workers, size_t thread_count)
{
    pthread_barrier_init(&job->start, NULL, (unsigned)thread_count + 1);
    for (size_t i = 0; i < thread_count; i++) {
        workers[i].job = job;
        workers[i].number = i;
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
            bench_fail("cannot start a thread");
    }
    pthread_barrier_wait(&job->start);
    uint64_t begin = bench_now_ns();
    for (size_t i = 0; i < thread_count; i++)
        pthread_join(workers[i].thread, NULL);
    uint64_t end = bench_now_ns();
    for (size_t i = 1; i < thread_count; i++)
        histogram_merge(&workers[0].latency, &workers[i].latency);
    pthread_barrier_destroy(&job->start);
    return (double)(job->events * thread_count) * 1e9 / (double)(end - begin);
}

/* Page faults of the calling thread so far: a page that is not ready costs its writer a microsecond or more. */
static double faults(void)
{
    struct rusage usage;
    getrusage(RUSAGE_THREAD, &usage);
    return (double)(usage.ru_minflt + usage.ru_majflt);
}

static void sleep_s(uint64_t seconds)
{
    struct timespec time = { .tv_sec = (time_t)seconds };
    nanosleep(&time, NULL); /* pacing: idling is what is measured */
}

static enum workload_kind kind_of(const char *name)
{
    if (strcmp(name, "mixed") == 0)
        return WORKLOAD_MIXED;
    return strcmp(name, "writes") == 0 ? WORKLOAD_WRITES : WORKLOAD_PLAIN;
}

int main(int argc, char **argv)
{
    static struct worker workers[THREADS_MAX];
    const char          *mode = bench_argument(argc, argv, "--mode", "paced");
    const char          *kind = bench_argument(argc, argv, "--kind", "plain");
    size_t               thread_count = (size_t)bench_number(argc, argv, "--threads", 1);
    uint64_t             rate = bench_number(argc, argv, "--rate", 20000);
    struct workload      workload;
    struct job           job = { .contender = contender_find(bench_argument(argc, argv, "--contender", "trail")),
                                 .workload = &workload,
                                 .events = bench_number(argc, argv, "--events", 100000),
                                 .interval_ns = 1000000000 / rate };
    char                 name[96];

    if (thread_count < 1 || thread_count > THREADS_MAX)
        bench_fail("--threads is 1 to %d", THREADS_MAX);
    workload_make(&workload, WORKLOAD_SMALL_COUNT, kind_of(kind), true);
    job.context = job.contender->open(bench_argument(argc, argv, "--dir", "."), NULL);
    workers[0].job = &job;
    call_paced(&workers[0], rate / 4, false); /* A quarter of a second: files open, pages and caches warm. */
    if (strcmp(mode, "idle") == 0)
        sleep_s(bench_number(argc, argv, "--idle", 45));

    double per_second = (double)rate;
    double faults_before = faults();
    if (strcmp(mode, "saturated") == 0)
        per_second = run_saturated(&job, workers, thread_count);
    else
        call_paced(&workers[0], job.events, true);
    double faults_after = faults() - faults_before;

    snprintf(name, sizeof name, "record_%s_%s_%zu_%s", mode, kind, thread_count, job.contender->name);
    bench_print_latency(name, &workers[0].latency);
    bench_print(name, "per_second", per_second);
    if (strcmp(mode, "saturated") != 0)
        bench_print(name, "faults_per_event", faults_after / (double)job.events);
    job.contender->close(job.context);
    workload_free(&workload);
    return 0;
}
