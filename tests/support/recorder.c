/* recorder.c -- records events from several threads and tells a pipe, not the trail, what became of each.
 *
 * The fault tests run it as a child, kill it, starve it or cut its power, and then hold what it said through the pipe against
 * what is stored. Event i of thread t of run r has resource_id "r-t-i"; every fourth is a read, every fifth excluded by
 * name, the rest are creates. Before each call the word {t, i, OFFERED} goes to the pipe, after it {t, i, code}.
 *
 *     recorder --run R [--threads N] [--events N] [--rate PER_SECOND_AND_THREAD] [--size BYTES] [--fork N] [--close]
 *
 * --fork N: offer one event, then fork N children that record in the parent's stead, --events each.
 * --close: trail_close() at the end, and exit 3 when events wait; otherwise it runs until it is killed or its events are done, and
 * leaves without closing.
 */
#include <audittrail.h>
#include <pthread.h>
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
    bool          close;
};

struct worker {
    const struct plan *plan;
    pthread_t          thread;
    uint32_t           number;
};

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
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, NULL);
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
    tell(thread, index, trail_record(plan->trail, &event, NULL, NULL));
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
    for (uint32_t i = 0; plan->events == 0 || i < plan->events; i++) {
        if (plan->rate != 0)
            wait_until_ns(&start, (int64_t)i * 1000000000 / plan->rate);
        record_one(plan, worker->number, i, trail_str(padding));
    }
    free(padding);
    return NULL;
}

static void run_threads(const struct plan *plan, uint32_t first_number)
{
    struct worker workers[THREADS_MAX];
    for (uint32_t i = 0; i < plan->threads; i++) {
        workers[i] = (struct worker){ .plan = plan, .number = first_number + i };
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
            _exit(4);
    }
    for (uint32_t i = 0; i < plan->threads; i++)
        pthread_join(workers[i].thread, NULL);
}

static int finish(const struct plan *plan)
{
    uint64_t waiting = 0;
    if (!plan->close)
        _exit(0);
    enum trail_err err = trail_close(plan->trail, &waiting);
    fprintf(stderr, "recorder: closed, %llu events wait\n", (unsigned long long)waiting);
    return err == TRAIL_OK ? 0 : 3;
}

/* As a pre-forking server does: load, record, then fork the workers. */
static int run_forks(const struct plan *plan)
{
    int worst = 0;
    record_one(plan, 0, 0, (struct trail_text){ 0 });
    for (uint32_t i = 0; i < plan->forks; i++) {
        pid_t child = fork();
        if (child < 0)
            return 4;
        if (child == 0) {
            run_threads(plan, 1 + i * plan->threads);
            exit(finish(plan));
        }
    }
    for (uint32_t i = 0; i < plan->forks; i++) {
        int status = 0;
        if (wait(&status) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) > worst)
            worst = WIFEXITED(status) ? WEXITSTATUS(status) : 4;
    }
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
        bool known = strcmp(argv[i], "--close") == 0;
        plan->close = plan->close || known;
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
