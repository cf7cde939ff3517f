/* record.c -- takes one event: policy, redaction, encoding, spool, and as much waiting as the settings ask for.
 *
 * The happy path is: the policy keeps it; it is checked and redacted; its bytes are appended to the spool; done.
 * Possible failure modes are, each with its own code and counter:
 *
 * - The policy leaves it out: nothing else is looked at, so it costs nanoseconds.
 * - It is not a whole event, or too large: rejected.
 * - The spool cannot be opened: rejected, counted in memory, since there is no file to count in.
 * - The spool is full: rejected, or waited for, or dropped, as AUDIT_TRAIL_OVERFLOW says.
 * - The disk or the store do not confirm in time: accepted all the same, TRAIL_PENDING.
 */
#include <assert.h>

#include "base/err.h"
#include "event/event_json.h"
#include "event/event_wire.h"
#include "event/operation.h"
#include "event/review.h"
#include "trail/trail_state.h"

/* Most events encode into this much stack; larger ones go to the heap. */
#define ENCODE_STACK_SIZE 4096

/* How long `machine` waits for the disk before it says "pending". A disk that takes longer is broken or hung. */
#define DISK_TIMEOUT_MS 30000

/* One event on its way. The policy is read once, when it is offered: another may take its place at any time. */
struct offering {
    struct trail             *trail;
    struct live              *live;
    const struct policy      *policy;
    const struct trail_event *event;
    enum trail_operation      operation; /* Given, or classified. */
    struct trail_id          *ret_id;
    struct trail_error       *ret_error;
};

static enum trail_err reject(struct live *live, enum trail_operation operation, enum trail_err err)
{
    accounts_count(live->accounts, operation, ACCOUNT_REJECTED);
    return err;
}

/* Say no, and count why. */
static enum trail_err refuse(struct live *live, enum trail_operation operation, enum policy_verdict verdict)
{
    enum account_reason reason = verdict == POLICY_LEVEL      ? ACCOUNT_LEVEL
                                 : verdict == POLICY_EXCLUDED ? ACCOUNT_EXCLUDED
                                                              : ACCOUNT_SAMPLED;
    accounts_count(live->accounts, operation, reason);
    return TRAIL_REFUSED;
}

/* Its own time if it has one, within the years that are stored. */
static int64_t event_time(const struct trail_event *event, int64_t now_us, uint32_t *flags)
{
    int64_t time_us = event->timestamp_us;
    if (time_us == 0)
        return now_us;
    if (time_us >= CLOCK_WALL_US_MIN && time_us <= CLOCK_WALL_US_MAX)
        return time_us;
    *flags |= TRAIL_FLAG_CLAMPED;
    return time_us < CLOCK_WALL_US_MIN ? CLOCK_WALL_US_MIN : CLOCK_WALL_US_MAX;
}

/* Turn the caller's event into the bytes that are kept: complete, redacted, encoded. */
static enum trail_err prepare(const struct offering *offering, struct trail_event *event, double weight,
                              struct buf *payload, uint32_t *flags)
{
    struct trail_error *ret_error = offering->ret_error;
    struct buf          scratch;
    char                storage[ENCODE_STACK_SIZE];

    event->requires_review = review_required(event, event->operation) ? TRAIL_REVIEW_YES : TRAIL_REVIEW_NO;
    buf_init(&scratch, storage, sizeof storage);
    enum trail_err err = redact_event(offering->trail->redactor, event, &scratch, flags);
    if (err == TRAIL_OK)
        err = event_encode(event, weight, payload, flags);
    buf_done(&scratch);
    if (err != TRAIL_OK)
        return error_set(ret_error, err, 0, "out of memory for an event");
    if (payload->size > TRAIL_EVENT_BYTES_MAX)
        return error_set(ret_error, TRAIL_ETOOBIG, 0, "the event has %zu bytes, allowed are %d", payload->size,
                         TRAIL_EVENT_BYTES_MAX);
    return TRAIL_OK;
}

/* Wait for room while there is time for it. */
static enum trail_err append_when_room(struct trail *trail, struct live *live, const struct spool_entry *entry,
                                       uint64_t *ret_seq, struct trail_error *error)
{
    int64_t        until_us = clock_mono_us(trail->clock) + (int64_t)trail->settings.overflow_timeout_ms * 1000;
    enum trail_err err = TRAIL_EFULL;

    for (int64_t left_us = until_us - clock_mono_us(trail->clock); err == TRAIL_EFULL && left_us > 0;
         left_us = until_us - clock_mono_us(trail->clock)) {
        waker_wake(&live->waker);
        if (spool_wait_room(live->spool, (uint32_t)(left_us / 1000) + 1))
            err = spool_append(live->spool, entry, ret_seq, error);
    }
    return err;
}

/* The spool is full, as *error says: do what AUDIT_TRAIL_OVERFLOW says. */
static enum trail_err overflow(struct trail *trail, struct live *live, const struct spool_entry *entry,
                               enum trail_operation operation, uint64_t *ret_seq, struct trail_error *error)
{
    enum trail_err err = TRAIL_EFULL;
    bool           drop = trail->settings.overflow == OVERFLOW_DROP;

    if (trail->settings.overflow == OVERFLOW_BLOCK)
        err = append_when_room(trail, live, entry, ret_seq, error);
    if (err == TRAIL_OK)
        return TRAIL_OK;
    if (err != TRAIL_EFULL)
        return reject(live, operation, err);
    drain_note_lost(live->drain, drop, entry->wall_us);
    accounts_count(live->accounts, operation, drop ? ACCOUNT_DROPPED : ACCOUNT_REJECTED);
    return drop ? TRAIL_DROPPED : TRAIL_EFULL;
}

/* Wait for what the settings promise. */
static enum trail_err confirm(struct trail *trail, struct live *live, uint64_t seq)
{
    enum trail_err err = TRAIL_OK;
    if (trail->settings.durability == DURABILITY_MACHINE)
        err = spool_wait_synced(live->spool, seq, DISK_TIMEOUT_MS);
    if (!trail->settings.async)
        return drain_wait_stored(live->drain, seq, (uint32_t)trail->settings.sync_timeout_ms);
    return err;
}

static enum trail_err append(const struct offering *offering, const struct trail_event *event,
                             const struct spool_entry *entry)
{
    struct trail      *trail = offering->trail;
    struct live       *live = offering->live;
    struct trail_error error; /* Not the caller's yet: waiting for room may help. */
    uint64_t           seq = 0;

    enum trail_err err = spool_append(live->spool, entry, &seq, &error);
    if (err == TRAIL_EFULL)
        err = overflow(trail, live, entry, event->operation, &seq, &error);
    else if (err != TRAIL_OK)
        (void)reject(live, event->operation, err);
    if (err != TRAIL_OK) {
        if (offering->ret_error != NULL)
            *offering->ret_error = error;
        return err;
    }

    unsigned slot = thread_slot();
    accounts_raise(&live->tallies[slot].recorded[event->operation], slot);
    drain_note_appended(live->drain);
    if (offering->ret_id != NULL)
        event_id_format(event->timestamp_us, live->writer_hash, seq, offering->ret_id);
    return confirm(trail, live, seq);
}

/* The policy keeps it. Out of line: see open_live(). */
__attribute__((noinline)) static enum trail_err accept(const struct offering *offering, double weight)
{
    char       storage[ENCODE_STACK_SIZE];
    struct buf payload;
    uint32_t   flags = 0;

    enum trail_err err = event_check(offering->event, offering->ret_error);
    if (err != TRAIL_OK)
        return reject(offering->live, offering->operation, err);

    struct trail_event event = *offering->event;
    int64_t            now_us = clock_wall_us(offering->trail->clock);
    event.operation = offering->operation;
    event.timestamp_us = event_time(offering->event, now_us, &flags);
    buf_init(&payload, storage, sizeof storage);
    err = prepare(offering, &event, weight, &payload, &flags);
    if (err == TRAIL_OK) {
        struct spool_entry entry = { .payload = buf_text(&payload), .wall_us = now_us, .flags = (uint16_t)flags };
        err = append(offering, &event, &entry);
    } else {
        reject(offering->live, offering->operation, err);
    }
    buf_done(&payload);
    return err;
}

/* Count an event that there is no spool for. */
static enum trail_err reject_unopened(struct trail *trail, enum trail_operation operation, enum trail_err err)
{
    __atomic_fetch_add(&trail->unopened[operation], 1, __ATOMIC_RELAXED);
    return err;
}

/* The running part if it is there, as it is for every event but the first of a process. */
static inline struct live *live_running(const struct trail *trail)
{
    /* The canary first: once it is alive, what a fork left behind is gone. */
    if (__builtin_expect(__atomic_load_n(trail->canary, __ATOMIC_ACQUIRE) == 0, 0))
        return NULL;
    return trail_live_now(trail);
}

/* Open the running part. Out of line, as is everything with a large frame: a refusal must not pay for it. */
__attribute__((noinline, cold)) static enum trail_err open_live(struct trail *trail, struct live **ret_live,
                                                                struct trail_error *ret_error)
{
    struct trail_error error = { 0 };

    (void)fork_unnoticed(trail);
    *ret_live = trail_live(trail, &error);
    if (*ret_live != NULL)
        return TRAIL_OK;
    if (ret_error != NULL)
        *ret_error = error;
    return error.code;
}

/* Keep it or not, now that it is known what was done and that there is somewhere to count it. */
static enum trail_err decide(const struct offering *offering)
{
    double              weight = 1;
    enum policy_verdict verdict = policy_decide(offering->policy, offering->event, offering->operation, &weight);
    if (verdict != POLICY_KEEP)
        return refuse(offering->live, offering->operation, verdict);
    return accept(offering, weight);
}

/* The first event of a process, and every one that does not say its operation. */
__attribute__((noinline)) static enum trail_err offer_unprepared(struct offering *offering)
{
    struct trail     *trail = offering->trail;
    struct trail_text action = offering->event->action;
    enum trail_err    err = offering->live != NULL ? TRAIL_OK : open_live(trail, &offering->live, offering->ret_error);
    bool              unclassified = false;

    if (offering->operation == TRAIL_OPERATION_AUTO) {
        offering->operation = policy_classify(offering->policy, action);
        unclassified = offering->operation == TRAIL_OPERATION_OTHER && !policy_maps(offering->policy, action);
    } else if ((unsigned)offering->operation >= TRAIL_OPERATION_COUNT) {
        offering->operation = TRAIL_OPERATION_OTHER; /* event_check() will say what is wrong with it. */
    }
    if (err != TRAIL_OK)
        return reject_unopened(trail, offering->operation, err);
    if (unclassified)
        accounts_count_unclassified(offering->live->accounts);
    return decide(offering);
}

/* Whether a caller has said what was done: anything but TRAIL_OPERATION_AUTO and what is no operation. */
static inline bool is_given(enum trail_operation operation)
{
    return (unsigned)operation - 1 < TRAIL_OPERATION_COUNT - 1;
}

/* Every event that the level does not refuse at once. Out of line: see open_live(). */
__attribute__((noinline)) static enum trail_err offer_on(struct trail *trail, const struct policy *policy,
                                                         const struct trail_event *event, struct trail_id *ret_id,
                                                         struct trail_error *ret_error)
{
    struct offering offering = { .trail = trail,
                                 .live = live_running(trail),
                                 .policy = policy,
                                 .event = event,
                                 .operation = event->operation,
                                 .ret_id = ret_id,
                                 .ret_error = ret_error };
    if (offering.live == NULL || !is_given(event->operation))
        return offer_unprepared(&offering);
    return decide(&offering);
}

static inline enum trail_err offer(struct trail *trail, const struct trail_event *event, struct trail_id *ret_id,
                                   struct trail_error *ret_error)
{
    const struct policy *policy = trail_policy_now(trail); /* One event, one policy: another may be in force next. */
    if (policy == NULL) {
        __atomic_fetch_add(&trail->disabled, 1, __ATOMIC_RELAXED);
        return TRAIL_REFUSED;
    }
    struct live *live = live_running(trail);
    if (live != NULL && is_given(event->operation) && policy_level_refuses(policy, event, event->operation))
        return refuse(live, event->operation, POLICY_LEVEL);
    return offer_on(trail, policy, event, ret_id, ret_error);
}

/* What is no event still was offered: it counts as rejected, under `other`. */
static enum trail_err reject_unreadable(struct trail *trail, enum trail_err err)
{
    if (trail_policy_now(trail) == NULL) {
        __atomic_fetch_add(&trail->disabled, 1, __ATOMIC_RELAXED);
        return err;
    }
    struct live *live = live_running(trail);
    if (live == NULL && open_live(trail, &live, NULL) != TRAIL_OK)
        return reject_unopened(trail, TRAIL_OPERATION_OTHER, err);
    return reject(live, TRAIL_OPERATION_OTHER, err);
}

/* The event of a caller that was built against another size of the struct. */
__attribute__((noinline)) static enum trail_err offer_widened(struct trail *trail, const struct trail_event *event,
                                                              struct trail_id *ret_id, struct trail_error *ret_error)
{
    struct trail_event        storage;
    const struct trail_event *wide = event_widen(event, &storage);
    if (wide == NULL)
        return reject_unreadable(trail, error_set(ret_error, TRAIL_EINVAL, 0,
                                                  "struct_size %zu of the event is wrong: use TRAIL_EVENT_INIT",
                                                  event->struct_size));
    return offer(trail, wide, ret_id, ret_error);
}

enum trail_err trail_record(struct trail *trail, const struct trail_event *event, struct trail_id *ret_id,
                            struct trail_error *ret_error)
{
    if (trail == NULL || event == NULL)
        return error_set(ret_error, TRAIL_EINVAL, 0, "%s is NULL", trail == NULL ? "trail" : "event");
    if (event->struct_size != sizeof *event)
        return offer_widened(trail, event, ret_id, ret_error);
    return offer(trail, event, ret_id, ret_error);
}

enum trail_err trail_record_json(struct trail *trail, struct trail_text json, struct trail_id *ret_id,
                                 struct trail_error *ret_error)
{
    char               storage[ENCODE_STACK_SIZE];
    struct buf         scratch;
    struct trail_event event;

    if (trail == NULL || (json.data == NULL && json.size > 0))
        return error_set(ret_error, TRAIL_EINVAL, 0, "%s is NULL", trail == NULL ? "trail" : "json.data");
    if (json.size > TRAIL_EVENT_BYTES_MAX)
        return reject_unreadable(trail,
                                 error_set(ret_error, TRAIL_ETOOBIG, 0, "the event has %zu bytes, allowed are %d",
                                           json.size, TRAIL_EVENT_BYTES_MAX));
    buf_init(&scratch, storage, sizeof storage);
    enum trail_err err = event_from_json(json, &scratch, &event, ret_error);
    err = err == TRAIL_OK ? offer(trail, &event, ret_id, ret_error) : reject_unreadable(trail, err);
    buf_done(&scratch);
    return err;
}
