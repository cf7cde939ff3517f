/* recorder.c -- records events from several threads and tells a pipe, not the trail, what became of each.
 *
 * The fault tests run it as a child, kill it, starve it or cut its power, and then hold what it said through the pipe
 * against what is stored. Event i of thread t of run r has resource_id "r-t-i"; every fourth is a read, every fifth
 * excluded by name, the rest are creates. Before each call the word {t, i, OFFERED} goes to the pipe, after it
 * {t, i, code}.
 *
 *     recorder --run R [--threads N] [--events N] [--rate PER_SECOND_AND_THREAD] [--size BYTES] [--fork N] [--busy]
 *              [--stay] [--close]
 *
 * --fork N: offer one event, then fork N children that record in the parent's stead, --events each; --busy: the
 * parent's own threads record the same meanwhile.
 * RECORDER_FORK_WHEN_LOCKED=PATH: fork only once somebody, the parent's drain that is, holds the lock on PATH.
 * RECORDER_FORK_WHEN_GONE=PATH: fork only once there is no such file.
 * --stay: when the events are done, wait for SIGTERM. SIGTERM ends the threads after the event they are at.
 * --close: trail_close() at the end, and exit 3 when events wait; otherwise it runs until it is killed or its events
 * are done, and leaves without closing. Before that it says how long its slowest call took.
 */
#include <audittrail.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define REPORT_FD 3
#define OFFERED 100
#define THREADS_MAX 16

struct report {
    uint32_t thread;
    uint32_t index;
    int32_t  code;
};

struct plan {
    struct trail *trail;
    uint32_t      run;
    uint32_t      threads;
    uint32_t      events; /* Per thread; 0 = until killed. */
    uint32_t      rate;   /* Per thread and second; 0 = as fast as it goes. */
    uint32_t      size;   /* Bytes of padding per event. */
    uint32_t      forks;
    bool          busy;
    bool          stay;
    bool          close;
};

struct worker {
    const struct plan *plan;
    pthread_t          thread;
    uint32_t           number;
};

static _Atomic int     terminated; /* Read by all threads, so sig_atomic_t would be a race. */
static _Atomic int64_t slowest_us;

static void on_sigterm(int number)
{
    (void)number;
    terminated = 1;
}

/* Smaller than PIPE_BUF, so never torn. */
static void tell(uint32_t thread, uint32_t index, int32_t code)
{
    struct report report = { thread, index, code };
    if (write(REPORT_FD, &report, sizeof report) != (ssize_t)sizeof report)
        _exit(4);
}

static void wait_until_ns(const struct timespec *start, int64_t after_ns)
{
    struct timespec when = { start->tv_sec + after_ns / 1000000000, start->tv_nsec + after_ns % 1000000000 };
    if (when.tv_nsec >= 1000000000) {
        when.tv_sec++;
        when.tv_nsec -= 1000000000;
    }
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, NULL); /* pacing: the rate asked for */
}

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void note_duration(int64_t us)
{
    int64_t slowest = atomic_load(&slowest_us);
    while (us > slowest && !atomic_compare_exchange_weak(&slowest_us, &slowest, us))
        continue;
}

static void record_one(const struct plan *plan, uint32_t thread, uint32_t index, struct trail_text padding)
{
    char              resource_id[64];
    char              context[64];
    struct trail_text actions[] = { TRAIL_TEXT("create_tool"), TRAIL_TEXT("list_tools"), TRAIL_TEXT("health_check") };
    struct trail_text action = actions[index % 4 == 3 ? 1 : index % 5 == 4 ? 2 : 0];

    snprintf(resource_id, sizeof resource_id, "%u-%u-%u", plan->run, thread, index);
    snprintf(context, sizeof context, "{\"index\":%u}", index);
    struct trail_event event = {
        TRAIL_EVENT_INIT,
        .action = action,
        .resource_type = TRAIL_TEXT("tool"),
        .resource_id = trail_str(resource_id),
        .user_id = TRAIL_TEXT("recorder"),
        .error_message = padding,
        .context = trail_str(context),
    };
    tell(thread, index, OFFERED);
    int64_t        started_us = now_us();
    enum trail_err code = trail_record(plan->trail, &event, NULL, NULL);
    note_duration(now_us() - started_us);
    tell(thread, index, code);
}

static void *work(void *argument)
{
    const struct worker *worker = argument;
    const struct plan   *plan = worker->plan;
    struct timespec      start;
    char                *padding = calloc(1, plan->size + 1);

    if (padding == NULL)
        _exit(4);
    memset(padding, 'x', plan->size);
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (uint32_t i = 0; (plan->events == 0 || i < plan->events) && !terminated; i++) {
        if (plan->rate != 0)
            wait_until_ns(&start, (int64_t)i * 1000000000 / plan->rate);
        record_one(plan, worker->number, i, trail_str(padding));
    }
    free(padding);
    return NULL;
}

static void start_threads(const struct plan *plan, uint32_t first_number, struct worker workers[THREADS_MAX])
{
    for (uint32_t i = 0; i < plan->threads; i++) {
        workers[i] = (struct worker){ .plan = plan, .number = first_number + i };
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
            _exit(4);
    }
}

static void join_threads(const struct plan *plan, const struct worker workers[THREADS_MAX])
{
    for (uint32_t i = 0; i < plan->threads; i++)
        pthread_join(workers[i].thread, NULL);
}

static void run_threads(const struct plan *plan, uint32_t first_number)
{
    struct worker workers[THREADS_MAX];
    start_threads(plan, first_number, workers);
    join_threads(plan, workers);
}

/* Blocked outside of sigsuspend(), so that none comes between the look and the sleep. The library's threads block
 * all signals. */
static void wait_for_sigterm(void)
{
    sigset_t term;
    sigset_t none;

    sigemptyset(&none);
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &term, NULL);
    while (!terminated)
        sigsuspend(&none);
}

static int finish(const struct plan *plan)
{
    uint64_t waiting = 0;

    if (plan->stay)
        wait_for_sigterm();
    fprintf(stderr, "recorder: slowest call %lld us\n", (long long)atomic_load(&slowest_us));
    if (!plan->close)
        _exit(0);
    enum trail_err err = trail_close(plan->trail, &waiting);
    fprintf(stderr, "recorder: closed, %llu events wait\n", (unsigned long long)waiting);
    return err == TRAIL_OK ? 0 : 3;
}

static void wait_until_locked(const char *path)
{
    struct flock lock = { .l_type = F_UNLCK };
    int          fd = open(path, O_RDWR | O_CLOEXEC);

    while (fd >= 0 && lock.l_type == F_UNLCK) {
        lock = (struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_SET };
        if (fcntl(fd, F_OFD_GETLK, &lock) != 0)
            _exit(4);
        sched_yield();
    }
    close(fd);
}

static void wait_until_gone(const char *path)
{
    while (access(path, F_OK) == 0)
        sched_yield();
}

#ifdef __SANITIZE_ADDRESS__
#define ALLOCATOR_SURVIVES_FORK 0
#else
#define ALLOCATOR_SURVIVES_FORK 1
#endif

/* AddressSanitizer's allocator does not survive a fork() while another thread is in it, as libc's does: let the
 * library's threads go to sleep first. */
static void settle_before_fork(const struct plan *plan)
{
    if (ALLOCATOR_SURVIVES_FORK)
        return;
    (void)!trail_flush(plan->trail, 500);
    wait_until_ns(&(struct timespec){ .tv_sec = now_us() / 1000000 }, INT64_C(1500000000));
}

/* As a pre-forking server does: load, record, then fork the workers. */
static int run_forks(const struct plan *plan)
{
    struct worker own_workers[THREADS_MAX];
    int           worst = 0;

    record_one(plan, 0, 0, (struct trail_text){ 0 });
    settle_before_fork(plan);
    if (getenv("RECORDER_FORK_WHEN_LOCKED") != NULL)
        wait_until_locked(getenv("RECORDER_FORK_WHEN_LOCKED"));
    if (getenv("RECORDER_FORK_WHEN_GONE") != NULL)
        wait_until_gone(getenv("RECORDER_FORK_WHEN_GONE"));
    if (plan->busy)
        start_threads(plan, (1 + plan->forks) * plan->threads, own_workers);
    for (uint32_t i = 0; i < plan->forks; i++) {
        pid_t child = fork();
        if (child < 0)
            return 4;
        if (child == 0) {
            run_threads(plan, (1 + i) * plan->threads);
            exit(finish(plan));
        }
    }
    for (uint32_t i = 0; i < plan->forks; i++) {
        int status = 0;
        if (wait(&status) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) > worst)
            worst = WIFEXITED(status) ? WEXITSTATUS(status) : 4;
    }
    if (plan->busy)
        join_threads(plan, own_workers);
    int own = finish(plan);
    return own > worst ? own : worst;
}

static bool parse(int argc, char **argv, struct plan *plan)
{
    for (int i = 1; i < argc; i++) {
        const struct {
            const char *name;
            uint32_t   *value;
        } options[] = { { "--run", &plan->run },   { "--threads", &plan->threads }, { "--events", &plan->events },
                        { "--rate", &plan->rate }, { "--size", &plan->size },       { "--fork", &plan->forks } };
        bool known = true;
        if (strcmp(argv[i], "--close") == 0)
            plan->close = true;
        else if (strcmp(argv[i], "--stay") == 0)
            plan->stay = true;
        else if (strcmp(argv[i], "--busy") == 0)
            plan->busy = true;
        else
            known = false;
        for (size_t k = 0; k < sizeof options / sizeof options[0] && !known; k++) {
            if (strcmp(argv[i], options[k].name) != 0 || i + 1 == argc)
                continue;
            *options[k].value = (uint32_t)strtoul(argv[++i], NULL, 10);
            known = true;
        }
        if (!known)
            return false;
    }
    return plan->threads >= 1 && plan->threads <= THREADS_MAX;
}

static void on_notice(void *context, const struct trail_error *notice)
{
    (void)context;
    fprintf(stderr, "recorder: %s\n", notice->message);
}

int main(int argc, char **argv)
{
    struct plan          plan = { .threads = 1 };
    struct trail_error   error;
    struct trail_options options = { TRAIL_OPTIONS_INIT, .env_file = "", .on_notice = on_notice };

    struct sigaction on_term = { .sa_handler = on_sigterm };

    sigaction(SIGTERM, &on_term, NULL);
    if (!parse(argc, argv, &plan)) {
        fprintf(stderr, "recorder: wrong arguments\n");
        return 2;
    }
    if (trail_open(&plan.trail, &options, &error) != TRAIL_OK) {
        fprintf(stderr, "recorder: %s\n", error.message);
        return 2;
    }
    if (plan.forks > 0)
        return run_forks(&plan);
    run_threads(&plan, 0);
    return finish(&plan);
}
