/* trail.c -- opens and closes a trail, and reads its numbers. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/settings_report.h"
#include "store/store.h"
#include "trail/room.h"
#include "trail/trail_state.h"

void trail_tell(const struct trail *trail, enum trail_err code, const char *message)
{
    struct trail_error notice;
    if (trail->on_notice == NULL)
        return;
    error_set(&notice, code, 0, "%s", message);
    trail->on_notice(trail->notice_context, &notice);
}

void trail_tell_problems(const struct trail *trail, const struct settings_report *report)
{
    for (size_t i = 0; i < report->problem_count; i++)
        trail_tell(trail, report->problems[i].warning ? TRAIL_OK : TRAIL_ECONFIG, report->problems[i].message);
}

static enum trail_err load_settings(struct trail *trail, struct trail_error *ret_error)
{
    struct settings_report report;

    enum trail_err err = sources_read(&trail->sources, &trail->settings, &report);
    trail_tell_problems(trail, &report);
    if (err != TRAIL_OK)
        (void)settings_report_first(&report, err, ret_error);
    settings_report_done(&report);
    /* A slip in it is told now, and not in the middle of the night. */
    if (err == TRAIL_OK && trail->settings.enabled)
        err = store_check_url(trail->settings.database_url, ret_error);
    return err;
}

static void trail_free(struct trail *trail)
{
    rules_free(trail->rules);
    redactor_free(trail->redactor);
    settings_done(&trail->settings);
    sources_done(&trail->sources);
    pthread_mutex_destroy(&trail->reloading);
    pthread_mutex_destroy(&trail->opening);
    free(trail);
}

/* What the first release had, and more than any future one will have. */
#define OPTIONS_SIZE_MIN sizeof(struct trail_options)
#define OPTIONS_SIZE_MAX 4096

/* The caller's options at this library's size. Options that cannot be read are not to be passed over: they say what
 * must not be recorded. */
static enum trail_err widen_options(const struct trail_options *options, struct trail_options *ret_options,
                                    struct trail_error *ret_error)
{
    const struct trail_options none = { TRAIL_OPTIONS_INIT };
    if (options == NULL)
        options = &none;
    if (options->struct_size < OPTIONS_SIZE_MIN || options->struct_size > OPTIONS_SIZE_MAX)
        return error_set(ret_error, TRAIL_EINVAL, 0, "struct_size %zu of the options is wrong: use TRAIL_OPTIONS_INIT",
                         options->struct_size);
    memcpy(ret_options, options, sizeof *ret_options);
    return TRAIL_OK;
}

enum trail_err trail_open(struct trail **ret_trail, const struct trail_options *options, struct trail_error *ret_error)
{
    if (ret_trail == NULL)
        return error_set(ret_error, TRAIL_EINVAL, 0, "ret_trail is NULL");
    struct trail_options wide = { TRAIL_OPTIONS_INIT };
    enum trail_err       err = widen_options(options, &wide, ret_error);
    if (err != TRAIL_OK)
        return err;
    struct trail *trail = calloc(1, sizeof *trail);
    if (trail == NULL)
        return error_set(ret_error, TRAIL_ENOMEM, 0, "out of memory for a trail");

    trail->clock = &clock_system;
    trail->on_notice = wide.on_notice;
    trail->notice_context = wide.notice_context;
    pthread_mutex_init(&trail->reloading, NULL);
    pthread_mutex_init(&trail->opening, NULL);

    err = sources_init(&trail->sources, &wide, ret_error);
    if (err == TRAIL_OK)
        err = load_settings(trail, ret_error);
    if (err == TRAIL_OK)
        err = rules_lend(&trail->rules, &trail->settings, &trail->sampling_key, ret_error);
    if (err == TRAIL_OK)
        err = redactor_new(&trail->redactor, trail_str(trail->settings.redact_fields),
                           (size_t)trail->settings.max_value_bytes, ret_error);
    if (err == TRAIL_OK)
        err = fork_register(trail, ret_error);
    if (err != TRAIL_OK) {
        trail_free(trail);
        return err;
    }
    trail->policy = trail->settings.enabled ? trail->rules->policy : NULL;
    *ret_trail = trail;
    return TRAIL_OK;
}

size_t trail_describe(const struct trail *trail, char *buffer, size_t size)
{
    if (trail != NULL)
        return policy_describe(trail_rules_now(trail)->policy, buffer, size);
    if (size > 0)
        buffer[0] = '\0';
    return 0;
}

enum trail_err trail_flush(struct trail *trail, uint32_t timeout_ms)
{
    if (trail == NULL)
        return TRAIL_OK;
    (void)fork_unnoticed(trail);
    struct live *live = trail_live_now(trail);
    if (live == NULL)
        return TRAIL_OK;
    return drain_wait_stored(live->drain, spool_last_seq(live->spool), timeout_ms);
}

bool trail_wait_room(struct trail *trail, size_t bytes, uint32_t timeout_ms)
{
    (void)fork_unnoticed(trail);
    struct live *live = trail_live_now(trail);
    if (live == NULL || spool_has_room(live->spool, bytes))
        return true;
    /* Full: whatever waits should be stored now, so that segments come free. */
    (void)!drain_wait_stored(live->drain, spool_last_seq(live->spool), 0);
    return spool_wait_room(live->spool, timeout_ms) && spool_has_room(live->spool, bytes);
}

static void add_live(struct live *live, struct trail_stats *stats)
{
    struct drain_numbers numbers;

    accounts_total(spool_accounts(live->spool), stats->operations, &stats->unclassified);
    for (size_t slot = 0; slot < THREAD_SLOT_COUNT; slot++) {
        for (size_t i = 0; i < TRAIL_OPERATION_COUNT; i++)
            stats->operations[i].recorded += __atomic_load_n(&live->tallies[slot].recorded[i], __ATOMIC_RELAXED);
    }
    stats->operations[TRAIL_OPERATION_AUTO].recorded = spool_control_records(live->spool);
    drain_read_numbers(live->drain, &numbers);
    stats->stored = numbers.stored;
    stats->dead_lettered = numbers.dead_lettered;
    stats->transactions = numbers.transactions;
    stats->store_errors = numbers.store_errors;
    stats->cleanup_runs = numbers.retention.runs;
    stats->cleanup_deleted = numbers.retention.deleted;
    stats->cleanup_batches = numbers.retention.batches;
    stats->cleanup_refused = numbers.retention.refused;
    stats->cleanup_last_us = numbers.retention.last_us;
    stats->cleanup_last_duration_us = numbers.retention.last_duration_us;
    stats->waiting = spool_waiting_events(live->spool);
    stats->spool_bytes = spool_bytes(live->spool);
    stats->oldest_waiting_us = drain_oldest_waiting_us(live->drain);
}

static void read_stats(struct trail *trail, struct trail_stats *stats)
{
    (void)fork_unnoticed(trail);
    struct live *live = trail_live_now(trail);
    stats->disabled = __atomic_load_n(&trail->disabled, __ATOMIC_RELAXED);
    for (size_t i = 0; i < TRAIL_OPERATION_COUNT; i++)
        stats->operations[i].rejected = __atomic_load_n(&trail->unopened[i], __ATOMIC_RELAXED);
    if (live != NULL)
        add_live(live, stats);
}

void trail_stats(struct trail *trail, struct trail_stats *ret_stats)
{
    struct trail_stats stats = { .struct_size = sizeof stats };

    if (ret_stats == NULL)
        return;
    if (trail != NULL)
        read_stats(trail, &stats);
    size_t size = ret_stats->struct_size < sizeof stats ? ret_stats->struct_size : sizeof stats;
    stats.struct_size = ret_stats->struct_size;
    memcpy(ret_stats, &stats, size);
}

enum trail_err trail_close(struct trail *trail, uint64_t *ret_waiting)
{
    uint64_t waiting = 0;

    if (trail == NULL)
        return TRAIL_OK;
    (void)fork_unnoticed(trail);
    struct live *live = trail_live_now(trail);
    if (live != NULL) {
        live_record_stop(trail, live);
        live_close(trail, live, &waiting);
    }
    fork_unregister(trail);
    trail_free(trail);
    if (ret_waiting != NULL)
        *ret_waiting = waiting;
    return waiting > 0 ? TRAIL_PENDING : TRAIL_OK;
}
