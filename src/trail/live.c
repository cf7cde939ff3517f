/* live.c -- the running part of a trail: made for the first event that is offered, ended by trail_close(). */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/json.h"
#include "base/os_process.h"
#include "drain/adopt.h"
#include "event/control.h"
#include "policy/sampling_key.h"
#include "spool/control_append.h"
#include "spool/destination.h"
#include "trail/trail_state.h"

/* A spool that could not be opened (a full disk, a missing mount) is not tried again for this long: each event that
 * is offered meanwhile is refused at once. */
#define OPEN_AGAIN_US 500000

/* Who we are and for which store we write, as it stands in every file of the spool. */
static enum trail_err make_identity(const struct trail *trail, struct spool_identity *ret_identity,
                                    struct trail_error *ret_error)
{
    struct spool_identity identity = {
        .boot = os_boot_id(),
        .destination_kind = SPOOL_DESTINATION_URL,
        .pid = (uint32_t)getpid(),
        .pid_start_ticks = os_process_start_ticks(),
        .started_us = clock_wall_us(trail->clock),
    };
    if (uuid_random(&identity.writer) != TRAIL_OK)
        return error_set(ret_error, TRAIL_EIO, 0, "the system has no randomness to give");
    if (destination_of_url(trail->settings.database_url, &identity.destination) != TRAIL_OK)
        return error_set(ret_error, TRAIL_ENOMEM, 0, "out of memory for the hash of AUDIT_TRAIL_DATABASE_URL");
    strncpy(identity.service, trail->settings.service, sizeof identity.service - 1);
    *ret_identity = identity;
    return TRAIL_OK;
}

static void append_setting(const struct trail *trail, enum setting_id id, const char *name, struct buf *out)
{
    json_append_name(out, name);
    rules_append_value(&trail->settings, id, RULES_SHOWN_BYTES, out);
}

/* The effective policy, what it was at the last run and how safe an accepted event is: what an auditor needs in order
 * to read what follows. */
static void describe_start(const struct trail *trail, struct live *live, struct buf *out)
{
    buf_append_string(out, "{");
    append_setting(trail, SETTING_SERVICE, "service", out);
    json_append_name(out, "version");
    json_append_string(out, trail_str(trail_version()));
    rules_append_members(live->rules, out);
    append_setting(trail, SETTING_DURABILITY, "AUDIT_TRAIL_DURABILITY", out);
    append_setting(trail, SETTING_OVERFLOW, "AUDIT_TRAIL_OVERFLOW", out);
    append_setting(trail, SETTING_ASYNC, "AUDIT_TRAIL_ASYNC", out);
    last_run_describe(&live->last_run, live->rules->settings, out);
    buf_append_string(out, "}");
}

static enum trail_err open_spool(struct trail *trail, struct live *live, struct trail_error *ret_error)
{
    struct buf           context;
    struct buf           preamble;
    struct spool_options options = {
        .directory = trail->settings.spool_dir,
        .bytes_max = trail->settings.spool_max_bytes,
        .durability = (enum durability)trail->settings.durability,
        .sync_interval_ms = (uint32_t)trail->settings.sync_interval_s * 1000,
        .clock = trail->clock,
        .on_notice = trail->on_notice,
        .notice_context = trail->notice_context,
        .drain_waker = &live->waker,
    };

    buf_init(&context, NULL, 0);
    buf_init(&preamble, NULL, 0);
    describe_start(trail, live, &context);
    enum trail_err err = make_identity(trail, &options.identity, ret_error);
    if (err == TRAIL_OK &&
        control_encode(CONTROL_STARTED, &context, clock_wall_us(trail->clock), &preamble) != TRAIL_OK)
        err = error_set(ret_error, TRAIL_ENOMEM, 0, "out of memory for the start record");
    if (err == TRAIL_OK) {
        options.preamble = buf_text(&preamble);
        live->writer_hash = uuid_hash32(&options.identity.writer);
        err = spool_open(&live->spool, &options, ret_error);
    }
    buf_done(&context);
    buf_done(&preamble);
    return err;
}

/* By the drain's thread. */
static void leave_sign_of_life(void *context)
{
    struct live *live = context;
    last_run_stamp(&live->last_run);
    if (spool_last_seq(live->spool) > 0)
        last_run_tell_start(&live->last_run, live->rules->settings);
    trail_tell_last_run(live->trail, live);
}

static enum trail_err start_drain(struct trail *trail, struct live *live, struct trail_error *ret_error)
{
    struct drain_options options = {
        .settings = &trail->settings,
        .spool = live->spool,
        .waker = &live->waker,
        .url_hash = spool_identity(live->spool)->destination,
        .clock = trail->clock,
        .on_notice = trail->on_notice,
        .notice_context = trail->notice_context,
        .on_interval = leave_sign_of_life,
        .interval_context = live,
        .interval_us = LAST_RUN_STAMP_US,
    };
    return drain_start(&live->drain, &options, ret_error);
}

enum trail_err trail_prepare_sampling(struct trail *trail, const struct policy *policy, struct trail_error *ret_notice,
                                      struct trail_error *ret_error)
{
    struct trail_error error;

    if (trail->has_sampling_key || !policy_samples(policy))
        return TRAIL_OK;
    enum trail_err err = sampling_key_load(trail->settings.state_dir, &trail->sampling_key, &error);
    if (err != TRAIL_OK) {
        error_set(ret_notice, err, error.sys_errno,
                  "%.160s: this process samples by a key of its own, so of a request that others see too it may keep "
                  "other events",
                  error.message);
        if (hash_key_random(&trail->sampling_key) != TRAIL_OK)
            return error_set(ret_error, TRAIL_EIO, 0, "the system has no randomness to give");
    }
    trail->has_sampling_key = true;
    return TRAIL_OK;
}

static enum trail_err live_open(struct trail *trail, struct live **ret_live, struct trail_error *ret_error)
{
    struct live *live = aligned_alloc(64, sizeof *live + (64 - sizeof *live % 64) % 64);
    if (live == NULL)
        return error_set(ret_error, TRAIL_ENOMEM, 0, "out of memory for a trail");
    memset(live, 0, sizeof *live);
    live->waker.fd = -1;
    live->trail = trail;
    live->rules = trail_rules_now(trail);

    last_run_open(&live->last_run,
                  &(struct last_run_options){ trail->settings.state_dir, trail->settings.service, trail->clock });
    enum trail_err err = waker_init(&live->waker, ret_error);
    if (err == TRAIL_OK)
        err = open_spool(trail, live, ret_error);
    if (err == TRAIL_OK) {
        live->accounts = spool_accounts(live->spool);
        err = start_drain(trail, live, ret_error);
    }
    if (err != TRAIL_OK) {
        spool_close(live->spool, true);
        waker_done(&live->waker);
        last_run_cancel(&live->last_run);
        free(live);
        return err;
    }
    last_run_begin(&live->last_run, live->rules->settings);
    *ret_live = live;
    return TRAIL_OK;
}

void trail_tell_last_run(const struct trail *trail, struct live *live)
{
    struct trail_error problem;
    if (last_run_take_problem(&live->last_run, &problem) && trail->on_notice != NULL)
        trail->on_notice(trail->notice_context, &problem);
}

/* A policy that samples, of those in force now or before: an event may have been given an earlier one, and still be on
 * its way here. */
static const struct policy *sampling_policy(const struct trail *trail)
{
    const struct rules *now = trail_rules_now(trail);
    assert(now != NULL);
    for (const struct rules *rules = now; rules != NULL; rules = rules->former) {
        if (policy_samples(rules->policy))
            return rules->policy;
    }
    return now->policy;
}

struct live *trail_live(struct trail *trail, struct trail_error *ret_error)
{
    struct trail_error error = { 0 };
    struct trail_error notice = { 0 };
    bool               first_failure = false;
    bool               opened = false;

    pthread_mutex_lock(&trail->opening);
    struct live *live = trail_live_now(trail);
    int64_t      now_us = clock_mono_us(trail->clock);
    if (live == NULL && now_us < trail->open_again_us) {
        error = trail->open_error;
    } else if (live == NULL && trail_prepare_sampling(trail, sampling_policy(trail), &notice, &error) == TRAIL_OK &&
               live_open(trail, &live, &error) == TRAIL_OK) {
        __atomic_store_n(&trail->live, live, __ATOMIC_RELEASE);
        trail->open_again_us = 0;
        opened = true;
    } else if (live == NULL) {
        first_failure = trail->open_again_us == 0;
        trail->open_again_us = now_us + OPEN_AGAIN_US;
        trail->open_error = error;
    }
    pthread_mutex_unlock(&trail->opening);

    /* Without the lock: the host's own lock may be held around a fork(), which waits for ours. */
    if (first_failure && trail->on_notice != NULL)
        trail->on_notice(trail->notice_context, &error);
    if (notice.code != TRAIL_OK && trail->on_notice != NULL)
        trail->on_notice(trail->notice_context, &notice);
    if (opened)
        trail_tell_last_run(trail, live);

    if (live == NULL && ret_error != NULL)
        *ret_error = error;
    return live;
}

void live_record_stop(struct trail *trail, struct live *live)
{
    struct buf context;

    if (spool_last_seq(live->spool) == 0)
        return; /* It recorded nothing, so it never started. */
    buf_init(&context, NULL, 0);
    buf_append_string(&context, "{");
    append_setting(trail, SETTING_SERVICE, "service", &context);
    buf_append_string(&context, "}");
    /* A full spool: the stop is not worth an error. */
    (void)!control_append(live->spool, CONTROL_STOPPED, &context, clock_wall_us(trail->clock));
    buf_done(&context);
}

/* What ran out of time may have left more behind than our own events, of which the caller is told the number. */
static void tell_of_others(const struct trail *trail, const struct live *live)
{
    const struct spool_identity *own = spool_identity(live->spool);
    const struct uuid            unknown = { { 0 } };
    struct adopt                 adopt = { .spool_dir = trail->settings.spool_dir, .own = own->writer };
    struct trail_error           left;

    if (trail->on_notice == NULL || destination_of_url(trail->settings.database_url, &adopt.url_hash) != TRAIL_OK)
        return;
    bool   reached = own->destination_kind == SPOOL_DESTINATION_STORE;
    size_t count = adopt_count_left(&adopt, reached ? &own->destination : &unknown);
    if (count == 0)
        return;
    error_set(&left, TRAIL_PENDING, 0, "%zu %s not stored yet; the next start stores %s", count,
              count == 1 ? "spool of another process is" : "spools of other processes are", count == 1 ? "it" : "them");
    trail->on_notice(trail->notice_context, &left);
}

void live_close(struct trail *trail, struct live *live, uint64_t *ret_waiting)
{
    bool complete = false;
    *ret_waiting = drain_stop(live->drain, (uint32_t)trail->settings.shutdown_timeout_s * 1000, &complete);
    last_run_close(&live->last_run, spool_last_seq(live->spool) > 0 ? live->rules->settings : NULL);
    trail_tell_last_run(trail, live);
    if (!complete)
        tell_of_others(trail, live);

    /* Another thread may fork() at any time: it finds either all of it or none. */
    pthread_mutex_lock(&trail->opening);
    __atomic_store_n(&trail->live, NULL, __ATOMIC_RELEASE);
    spool_close(live->spool, complete);
    drain_free(live->drain);
    waker_done(&live->waker);
    free(live);
    pthread_mutex_unlock(&trail->opening);
}
