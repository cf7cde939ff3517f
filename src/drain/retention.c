/* retention.c -- runs the clean-up of a store: when, by whom, a bit per call, and what came of it.
 *
 * The happy path: the first look comes a minute after the start, later ones when the store says that a run will be due;
 * a run that is claimed is stepped to its end, with a pause after each step. Possible failure modes are:
 *
 * - The store is away, locked, or fork() and a stop want the connection: the step changed nothing and is tried again,
 *   on whatever connection there is then.
 * - The clock cannot be right: it is told once, and asked again after the interval whether somebody has accepted it.
 * - Another process took the run's place: it ends, and says what it did until then. */
#include "drain/retention.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/json.h"
#include "base/os_file.h"

/* A service that has just started has better things to do. */
#define FIRST_LOOK_US (INT64_C(60) * 1000000)

/* Between attempts after failures: twice as long each time, up to a minute. */
#define RETRY_FIRST_US (INT64_C(1) * 1000000)
#define RETRY_DOUBLINGS_MAX 6

/* A lock that was held for long, or a fork(), is no news; a third failure in a row is. */
#define FAILURES_TOLD 3

/* ---- Writers that may still have something to store ---- */

/* A writer's directory in the spool says that it lives or left something; a process may also keep its spool elsewhere.
 * Whatever cannot be found out is taken for yes: a row that stays too long costs a hundred bytes. */
static bool may_live(void *context, const struct uuid *writer, int64_t pid)
{
    const struct settings *settings = context;
    struct stat            there;
    char                   path[OS_PATH_SIZE];
    char                   name[UUID_TEXT_SIZE];

    uuid_format(writer, name);
    if (!os_path_join(path, settings->spool_dir, name) || stat(path, &there) == 0 || errno != ENOENT ||
        stat(settings->spool_dir, &there) != 0)
        return true;
    /* Our own number is ours: whoever had it before is gone. (In a container it is always the same.) */
    return pid > 0 && pid <= INT32_MAX && pid != getpid() && (kill((pid_t)pid, 0) == 0 || errno == EPERM);
}

/* ---- When ---- */

static int64_t interval_us(const struct retention *retention)
{
    return (int64_t)retention->options.settings->cleanup_interval_s * 1000000;
}

/* Up to an eighth of `us` more, different for each process. */
static int64_t spread_us(const struct retention *retention, int64_t us)
{
    return us + us / 8 * (retention->options.spread % 1024) / 1024;
}

void retention_init(struct retention *retention, const struct retention_options *options)
{
    const struct clock *clock = options->clock;
    *retention = (struct retention){
        .options = *options,
        .boot = os_boot_id(),
        .phase = "",
    };
    os_host_name(retention->host);
    int64_t first_us = interval_us(retention) < FIRST_LOOK_US ? interval_us(retention) : FIRST_LOOK_US;
    retention->next_us = clock_mono_us(clock) + (options->now ? 0 : spread_us(retention, first_us));
}

void retention_done(struct retention *retention)
{
    store_cleanup_free(retention->run);
    retention->run = NULL;
}

int64_t retention_cut_off_us(const struct settings *settings, int64_t now_us)
{
    return now_us - (int64_t)settings->retention_days * 86400 * 1000000;
}

int64_t retention_wait_us(const struct retention *retention)
{
    if (!retention->options.settings->cleanup_enabled)
        return INT64_MAX;
    int64_t wait_us = retention->next_us - clock_mono_us(retention->options.clock);
    return wait_us > 0 ? wait_us : 0;
}

/* ---- A run ---- */

static void notice(const struct retention *retention, enum trail_err code, const char *what, const char *why)
{
    struct trail_error error;
    if (retention->options.on_notice == NULL)
        return;
    error_set(&error, code, 0, "%s: %.180s", what, why);
    retention->options.on_notice(retention->options.notice_context, &error);
}

static int64_t elapsed_us(const struct retention *retention)
{
    return clock_mono_us(retention->options.clock) - retention->run_started_us;
}

static enum retention_result failed(struct retention *retention, const struct trail_error *error)
{
    uint32_t doublings = retention->failures < RETRY_DOUBLINGS_MAX ? retention->failures : RETRY_DOUBLINGS_MAX;
    retention->failures++;
    retention->next_us = clock_mono_us(retention->options.clock) + (RETRY_FIRST_US << doublings);
    /* Who asked for this run is told by its result, and tries again or not. */
    if (!retention->options.now && retention->failures == (error->code == TRAIL_EAWAY ? FAILURES_TOLD : 1))
        notice(retention, error->code, "the clean-up fails and is tried again", error->message);
    return RETENTION_FAILED;
}

static enum retention_result refused(struct retention *retention, const struct cleanup_answer *answer,
                                     struct retention_report *ret_report)
{
    bool is_new = answer->verdict == CLEANUP_REFUSED;
    snprintf(ret_report->refused, sizeof ret_report->refused, "%s", answer->reason);
    if (is_new)
        __atomic_fetch_add(&retention->numbers.refused, 1, __ATOMIC_RELAXED);
    if (is_new || !retention->told_refusal)
        notice(retention, TRAIL_EIO, "nothing is deleted until `audittrail cleanup --accept-clock`", answer->reason);
    retention->told_refusal = true;
    return is_new ? RETENTION_REFUSED : RETENTION_HELD;
}

static struct store_cleanup_request make_request(const struct retention *retention)
{
    const struct settings *settings = retention->options.settings;
    const struct clock    *clock = retention->options.clock;
    int64_t                now_us = clock_wall_us(clock);
    return (struct store_cleanup_request){
        .now_us = now_us,
        .boot_us = clock_boot_us(clock),
        .boot = retention->boot,
        .cut_off_us = retention_cut_off_us(settings, now_us),
        .interval_us = retention->options.now ? 0 : interval_us(retention),
        .rows_max = settings->cleanup_batch_size,
        .accept_clock = retention->options.accept_clock,
        .service = trail_str(settings->service),
        .host = trail_str(retention->host),
        .pid = getpid(),
        .may_live = may_live,
        .context = (void *)settings,
    };
}

static enum retention_result begin(struct retention *retention, struct store *store,
                                   struct retention_report *ret_report, struct trail_error *ret_error)
{
    struct store_cleanup_request request = make_request(retention);
    struct cleanup_answer        answer;
    enum trail_err               err = store_cleanup_begin(store, &request, &answer, &retention->run, ret_error);
    if (err != TRAIL_OK)
        return failed(retention, ret_error);
    retention->failures = 0;
    *ret_report = (struct retention_report){
        .cut_off_us = request.cut_off_us,
        .days = retention->options.settings->retention_days,
    };
    int64_t now_us = clock_mono_us(retention->options.clock);
    if (answer.verdict == CLEANUP_CLAIMED) {
        retention->report = *ret_report;
        retention->run_started_us = now_us;
        retention->told_refusal = false;
        return RETENTION_WORKING;
    }
    bool not_due = answer.verdict == CLEANUP_NOT_DUE;
    retention->next_us = now_us + spread_us(retention, not_due ? answer.wait_us : interval_us(retention));
    return not_due ? RETENTION_IDLE : refused(retention, &answer, ret_report);
}

static void add_work(struct retention *retention, const struct cleanup_step *step)
{
    struct retention_report *report = &retention->report;
    report->work.events += step->work.events;
    report->work.batches += step->work.batches;
    report->work.partitions += step->work.partitions;
    report->work.dead_letters += step->work.dead_letters;
    report->work.references += step->work.references;
    report->work.ledger_rows += step->work.ledger_rows;
    report->work.writers += step->work.writers;
    report->cannot_shrink |= step->cannot_shrink;
    report->superseded |= step->superseded;
    retention->phase = step->phase;
    __atomic_fetch_add(&retention->numbers.deleted, step->work.events, __ATOMIC_RELAXED);
    __atomic_fetch_add(&retention->numbers.batches, step->work.batches, __ATOMIC_RELAXED);
}

static enum retention_result finish(struct retention *retention, struct store *store,
                                    struct retention_report *ret_report, struct trail_error *ret_error)
{
    const struct clock *clock = retention->options.clock;
    int64_t             duration_us = elapsed_us(retention);
    int64_t             now_us = clock_wall_us(clock);
    if (store_cleanup_end(store, retention->run, now_us, duration_us, ret_error) != TRAIL_OK)
        return failed(retention, ret_error);
    retention_done(retention);
    retention->report.duration_us = duration_us;
    *ret_report = retention->report;
    /* Counted from the beginning: "every hour" does not mean every hour and ten minutes. */
    retention->next_us = retention->run_started_us + spread_us(retention, interval_us(retention));
    __atomic_fetch_add(&retention->numbers.runs, 1, __ATOMIC_RELAXED);
    __atomic_store_n(&retention->numbers.last_us, now_us, __ATOMIC_RELAXED);
    __atomic_store_n(&retention->numbers.last_duration_us, duration_us, __ATOMIC_RELAXED);
    return RETENTION_FINISHED;
}

enum retention_result retention_step(struct retention *retention, struct store *store,
                                     struct retention_report *ret_report, struct trail_error *ret_error)
{
    struct cleanup_step step;
    struct trail_error  error = { 0 };
    int64_t             started_us = clock_mono_us(retention->options.clock);

    if (ret_error == NULL)
        ret_error = &error;
    if (retention->run == NULL)
        return begin(retention, store, ret_report, ret_error);
    if (store_cleanup_step(store, retention->run, elapsed_us(retention), &step, ret_error) != TRAIL_OK)
        return failed(retention, ret_error);
    retention->failures = 0;
    add_work(retention, &step);
    if (step.finished)
        return finish(retention, store, ret_report, ret_error);
    int64_t now_us = clock_mono_us(retention->options.clock);
    retention->next_us = now_us + (now_us - started_us);
    return RETENTION_WORKING;
}

/* ---- What came of it ---- */

bool retention_is_worth_a_record(const struct retention_report *report)
{
    const struct cleanup_work *work = &report->work;
    return report->refused[0] != '\0' ||
           work->events + work->dead_letters + work->references + work->ledger_rows + work->writers + work->partitions >
               0;
}

void retention_describe(const struct retention_report *report, struct buf *out)
{
    const struct cleanup_work *work = &report->work;
    char                       cut_off[CLOCK_TEXT_SIZE];

    clock_format(report->cut_off_us, cut_off);
    buf_printf(out, "{\"deleted\":%" PRIu64 ",\"batches\":%" PRIu64 ",\"partitions\":%" PRIu64, work->events,
               work->batches, work->partitions);
    buf_printf(out, ",\"dead_letters\":%" PRIu64 ",\"references\":%" PRIu64 ",\"ledger_rows\":%" PRIu64,
               work->dead_letters, work->references, work->ledger_rows);
    buf_printf(out, ",\"writers\":%" PRIu64 ",\"duration_ms\":%" PRId64 ",\"cut_off\":\"%s\",\"days\":%" PRIu64,
               work->writers, report->duration_us / 1000, cut_off, report->days);
    if (report->refused[0] != '\0') {
        buf_append_string(out, ",\"refused\":");
        json_append_string(out, trail_str(report->refused));
    }
    buf_append_string(out, "}");
}

void retention_read_numbers(const struct retention *retention, struct retention_numbers *ret_numbers)
{
    const struct retention_numbers *numbers = &retention->numbers;
    ret_numbers->runs = __atomic_load_n(&numbers->runs, __ATOMIC_RELAXED);
    ret_numbers->deleted = __atomic_load_n(&numbers->deleted, __ATOMIC_RELAXED);
    ret_numbers->batches = __atomic_load_n(&numbers->batches, __ATOMIC_RELAXED);
    ret_numbers->refused = __atomic_load_n(&numbers->refused, __ATOMIC_RELAXED);
    ret_numbers->last_us = __atomic_load_n(&numbers->last_us, __ATOMIC_RELAXED);
    ret_numbers->last_duration_us = __atomic_load_n(&numbers->last_duration_us, __ATOMIC_RELAXED);
}
