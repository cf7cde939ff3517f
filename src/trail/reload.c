/* reload.c -- reads the settings again and puts a changed policy in force.
 *
 * The happy path is: the settings are right; their rules differ from those in force; the change is recorded; then, and
 * only then, the new rules decide. Possible failure modes are:
 *
 * - A setting is wrong, or there is no memory: everything stays as it is.
 * - The change cannot be recorded (the disk, or a spool that is full down to its reserve): likewise. A policy that
 *   changed and nobody can see it is worse than one that did not change.
 *
 * Recording and swapping are one step under the lock that appends take. A thread that has read the old rules before it
 * may append its event behind policy_changed: one event per thread at most. None that the new rules decided stands
 * before it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/settings_report.h"
#include "event/control.h"
#include "spool/control_append.h"
#include "trail/trail_state.h"

/* Each change is a record and keeps a policy in memory until the trail is closed: a storm of signals must not. */
#define RELOAD_AGAIN_US 1000000

/* What is to be told once no lock is held any more: the host may hold one of its own in on_notice. */
struct outcome {
    struct settings_report report;
    struct trail_error     error;   /* Of making or recording the new rules; code 0: none. */
    struct trail_error     restart; /* Settings that changed and are not taken over; message "": none. */
    struct trail_error     key;     /* The deployment's sampling key cannot be had; code 0: it can, or is not needed. */
    bool                   changed;
};

/* ---- What differs ---- */

/* "AUDIT_TRAIL_A, AUDIT_TRAIL_B and 3 more changed, which takes effect at the next start" */
static void name_those_left(const struct settings *now, const struct settings *read, struct trail_error *ret_notice)
{
    char   names[160] = "";
    size_t size = 0;
    size_t left_out = 0;
    bool   any = false;

    for (enum setting_id id = 0; id < SETTING_COUNT; id++) {
        if (rules_cover(id) || settings_same(now, read, id))
            continue;
        int added = snprintf(names + size, sizeof names - size, "%s%s", any ? ", " : "", setting_info(id)->name);
        any = true;
        if (added > 0 && (size_t)added < sizeof names - size)
            size += (size_t)added;
        else
            left_out++;
        names[size] = '\0';
    }
    if (left_out > 0)
        error_set(ret_notice, TRAIL_OK, 0, "%s and %zu more changed; that takes effect with a restart", names,
                  left_out);
    else if (any)
        error_set(ret_notice, TRAIL_OK, 0, "%s changed; that takes effect with a restart", names);
}

/* {"old":{...},"new":{...},"changed":["AUDIT_TRAIL_LEVEL"],"off_seconds":12} */
static void describe_change(const struct trail *trail, const struct rules *old, const struct rules *new,
                            struct buf *out)
{
    const char *separator = "";

    buf_append_string(out, "{\"old\":{");
    rules_append_members(old, out);
    buf_append_string(out, "},\"new\":{");
    rules_append_members(new, out);
    buf_append_string(out, "},\"changed\":[");
    for (enum setting_id id = 0; id < SETTING_COUNT; id++) {
        if (!rules_cover(id) || settings_same(old->settings, new->settings, id))
            continue;
        buf_printf(out, "%s\"%s\"", separator, setting_info(id)->name);
        separator = ",";
    }
    buf_append_string(out, "]");
    int64_t off_us = clock_wall_us(trail->clock) - trail->off_since_us;
    if (!old->settings->enabled && new->settings->enabled && trail->off_since_us != 0)
        buf_printf(out, ",\"off_seconds\":%" PRId64, off_us > 0 ? off_us / 1000000 : 0);
    buf_append_string(out, "}");
}

/* ---- Putting them in force ---- */

/* From one set of rules to another. */
struct change {
    struct trail *trail;
    struct rules *rules; /* The new ones. */
};

static void swap(void *context)
{
    struct trail *trail = ((struct change *)context)->trail;
    struct rules *rules = ((struct change *)context)->rules;
    struct rules *old = trail_rules_now(trail);
    if (old->settings->enabled && !rules->settings->enabled)
        trail->off_since_us = clock_wall_us(trail->clock);
    rules->former = old;
    __atomic_store_n(&trail->rules, rules, __ATOMIC_RELEASE);
    __atomic_store_n(&trail->policy, rules->settings->enabled ? rules->policy : NULL, __ATOMIC_RELEASE);
}

/* Record it and put it in force in one step, under the lock that every append takes. */
static enum trail_err record_and_swap(struct change *change, struct live *live, struct trail_error *ret_error)
{
    struct trail         *trail = change->trail;
    struct buf            context;
    struct control_record record = {
        .action = CONTROL_POLICY_CHANGED,
        .context = &context,
        .now_us = clock_wall_us(trail->clock),
        .on_published = swap,
        .published_context = change,
    };

    buf_init(&context, NULL, 0);
    describe_change(trail, trail_rules_now(trail), change->rules, &context);
    enum trail_err err = control_append_then(live->spool, &record);
    buf_done(&context);
    if (err != TRAIL_OK)
        return error_set(ret_error, err, 0, "the policy stays as it is, because its change cannot be recorded: %s",
                         trail_strerror(err));
    drain_note_appended(live->drain);
    return TRAIL_OK;
}

static enum trail_err put_in_force(struct trail *trail, struct rules *rules, struct outcome *outcome)
{
    struct change  change = { trail, rules };
    enum trail_err err = TRAIL_OK;

    /* With nothing running there is nothing to record it in: trail_started will say under which policy it starts. An
     * event that is about to start it waits, or has started it. */
    pthread_mutex_lock(&trail->opening);
    struct live *live = trail_live_now(trail);
    if (live == NULL)
        swap(&change);
    else
        err = trail_prepare_sampling(trail, rules->policy, &outcome->key, &outcome->error);
    pthread_mutex_unlock(&trail->opening);
    if (live == NULL || err != TRAIL_OK)
        return err;

    err = record_and_swap(&change, live, &outcome->error);
    if (err == TRAIL_OK)
        last_run_tell_change(&live->last_run, rules->settings);
    return err;
}

/* ---- The call ---- */

/* Caller holds `reloading`. */
static enum trail_err reload_locked(struct trail *trail, struct outcome *outcome, struct trail_error *ret_error)
{
    struct settings settings;
    struct rules   *rules = NULL;
    int64_t         now_us = clock_mono_us(trail->clock);

    if (now_us < trail->reload_again_us)
        return error_set(ret_error, TRAIL_EAGAIN, 0, "the settings were read less than a second ago");
    trail->reload_again_us = now_us + RELOAD_AGAIN_US;

    enum trail_err err = sources_read(&trail->sources, &settings, &outcome->report);
    if (err != TRAIL_OK)
        (void)settings_report_first(&outcome->report, err, ret_error);
    if (err == TRAIL_OK) {
        name_those_left(&trail->settings, &settings, &outcome->restart);
        outcome->changed = !rules_same(trail_rules_now(trail)->settings, &settings);
    }
    if (err == TRAIL_OK && outcome->changed)
        err = rules_take(&rules, &settings, &trail->sampling_key, &outcome->error);
    if (err == TRAIL_OK && outcome->changed)
        err = put_in_force(trail, rules, outcome);
    if (err != TRAIL_OK && outcome->error.code != TRAIL_OK) {
        rules_free(rules);
        outcome->changed = false;
        if (ret_error != NULL)
            *ret_error = outcome->error;
    }
    settings_done(&settings);
    return err;
}

static void tell_outcome(const struct trail *trail, const struct outcome *outcome)
{
    char line[sizeof((struct trail_error *)0)->message];

    trail_tell_problems(trail, &outcome->report);
    if (outcome->error.code != TRAIL_OK)
        trail_tell(trail, outcome->error.code, outcome->error.message);
    if (outcome->key.code != TRAIL_OK)
        trail_tell(trail, outcome->key.code, outcome->key.message);
    if (outcome->restart.message[0] != '\0')
        trail_tell(trail, TRAIL_OK, outcome->restart.message);
    if (!outcome->changed)
        return;
    (void)snprintf(line, sizeof line, "%s", "the policy changed: ");
    trail_describe(trail, line + 20, sizeof line - 20);
    trail_tell(trail, TRAIL_OK, line);
}

enum trail_err trail_reload(struct trail *trail, struct trail_error *ret_error)
{
    struct outcome outcome = { .changed = false };

    if (trail == NULL)
        return error_set(ret_error, TRAIL_EINVAL, 0, "trail is NULL");
    (void)fork_unnoticed(trail);
    pthread_mutex_lock(&trail->reloading);
    enum trail_err err = reload_locked(trail, &outcome, ret_error);
    struct live   *live = trail_live_now(trail);
    pthread_mutex_unlock(&trail->reloading);

    tell_outcome(trail, &outcome);
    if (live != NULL)
        trail_tell_last_run(trail, live);
    settings_report_done(&outcome.report);
    return err;
}
