/* live.c -- the running part of a trail: made for the first event that is offered, ended by trail_close(). */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/json.h"
#include "base/os_process.h"
#include "drain/adopt.h"
#include "event/control.h"
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

static void append_member(struct buf *out, const char *name, const char *value)
{
    buf_append_string(out, out->size == 0 ? "{" : ",");
    json_append_string(out, trail_str(name));
    buf_append_string(out, ":");
    json_append_string(out, trail_str(value));
}

/* The effective policy and how safe an accepted event is: what an auditor needs in order to read what follows. */
static void describe_start(const struct trail *trail, struct buf *out)
{
    static const enum setting_id told[] = { SETTING_LEVEL,      SETTING_EXCLUDE_ACTIONS, SETTING_EXCLUDE_RESOURCES,
                                            SETTING_DURABILITY, SETTING_OVERFLOW,        SETTING_ASYNC };
    struct buf                   text;
    size_t                       room = policy_describe(trail->own_policy, NULL, 0) + SETTING_VALUE_BYTES_MAX + 1;

    buf_init(&text, NULL, 0);
    if (buf_reserve(&text, room) == NULL) {
        out->failed = true;
        return;
    }
    append_member(out, "service", trail->settings.service);
    append_member(out, "version", trail_version());
    policy_describe(trail->own_policy, text.data, room);
    append_member(out, "policy", text.data);
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++) {
        settings_format_value(&trail->settings, told[i], text.data, room);
        append_member(out, setting_info(told[i])->name, text.data);
    }
    buf_append_string(out, "}");
    buf_done(&text);
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
    describe_start(trail, &context);
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
    };
    return drain_start(&live->drain, &options, ret_error);
}

static enum trail_err live_open(struct trail *trail, struct live **ret_live, struct trail_error *ret_error)
{
    struct live *live = aligned_alloc(64, sizeof *live + (64 - sizeof *live % 64) % 64);
    if (live == NULL)
        return error_set(ret_error, TRAIL_ENOMEM, 0, "out of memory for a trail");
    memset(live, 0, sizeof *live);
    live->waker.fd = -1;

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
        free(live);
        return err;
    }
    *ret_live = live;
    return TRAIL_OK;
}

struct live *trail_live(struct trail *trail, struct trail_error *ret_error)
{
    struct trail_error error = { 0 };
    bool               first_failure = false;

    pthread_mutex_lock(&trail->opening);
    struct live *live = trail_live_now(trail);
    int64_t      now_us = clock_mono_us(trail->clock);
    if (live == NULL && now_us < trail->open_again_us) {
        error = trail->open_error;
    } else if (live == NULL && live_open(trail, &live, &error) == TRAIL_OK) {
        __atomic_store_n(&trail->live, live, __ATOMIC_RELEASE);
        trail->open_again_us = 0;
    } else if (live == NULL) {
        first_failure = trail->open_again_us == 0;
        trail->open_again_us = now_us + OPEN_AGAIN_US;
        trail->open_error = error;
    }
    pthread_mutex_unlock(&trail->opening);

    /* Without the lock: the host's own lock may be held around a fork(), which waits for ours. */
    if (first_failure && trail->on_notice != NULL)
        trail->on_notice(trail->notice_context, &error);

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
    append_member(&context, "service", trail->settings.service);
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
