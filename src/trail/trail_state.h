/* trail_state.h -- the inside of a trail: its stages, in the order in which an event meets them.
 *
 *     event  ->  policy  ->  spool  ->  drain  ->  store  ->  [trail]
 *
 * A trail exists from trail_open() on; its running part (struct live) only from the first event that is offered, and
 * again after fork(): a child gives up what it inherited and opens its own.
 *
 * Thread: see the fields.
 * Memory: owned by the trail.
 * Errors: live_open() only.
 */
#ifndef TRAIL_TRAIL_TRAIL_STATE_H
#define TRAIL_TRAIL_TRAIL_STATE_H

#include <pthread.h>

#include "base/clock.h"
#include "base/settings.h"
#include "base/thread_slot.h"
#include "drain/drain.h"
#include "policy/redact.h"
#include "spool/spool.h"
#include "trail/last_run.h"
#include "trail/rules.h"
#include "trail/sources.h"

/* What one thread recorded, by operation: a whole number of cache lines, so that threads do not share one. */
struct tally {
    uint64_t recorded[16];
};

_Static_assert(TRAIL_OPERATION_COUNT <= 16, "a tally holds every operation");

/* The running part. */
struct live {
    struct spool          *spool;
    const struct accounts *accounts; /* The spool's: read by every refusal. */
    struct drain          *drain;
    struct waker           waker; /* The drain sleeps on it. */
    uint32_t               writer_hash;
    const struct rules    *rules; /* Those it started under: what trail_started tells. */
    struct last_run        last_run;
    struct trail          *trail;
    struct live           *next; /* In the list of those that forks left behind. */
    /* On lines of their own: what stands before them is read by every thread. */
    _Alignas(64) struct tally tallies[THREAD_SLOT_COUNT];
};

struct trail {
    /* Read by every call. */
    const struct policy *policy; /* Atomic; that of `rules`; NULL: disabled. Loaded once for each event. */
    struct live         *live;   /* Atomic; NULL until the first event, and after fork(). */
    const unsigned char *canary; /* Atomic. Reads 0 in a child, whatever way it was made. */

    struct rules    *rules;    /* Atomic: those in force. Swapped under `reloading`; freed by trail_close() alone. */
    struct settings  settings; /* As at trail_open(): of the settings that are rules, look at `rules`. */
    struct sources   sources;  /* Of the settings. */
    struct redactor *redactor;
    struct hash_key  sampling_key; /* Policies borrow it. Filled, under `opening`, before one that samples decides. */
    bool             has_sampling_key;

    const struct clock *clock;
    trail_notice_fn     on_notice;
    void               *notice_context;

    pthread_mutex_t reloading;       /* Held while the rules are read and swapped; taken before `opening`. */
    int64_t         reload_again_us; /* Not before (monotonic). Under `reloading`. */
    int64_t         off_since_us;    /* When a reload switched it off (wall); 0: none did. Under `reloading`. */

    pthread_mutex_t    opening;                         /* Held while `live` is made or freed. */
    int64_t            open_again_us;                   /* After a failure: not before (monotonic). Under `opening`. */
    struct trail_error open_error;                      /* Why it failed. Under `opening`. */
    uint64_t           unopened[TRAIL_OPERATION_COUNT]; /* Atomic: rejected because the spool could not be opened. */
    uint64_t           disabled;                        /* Atomic: offered while disabled. */

    struct trail *next; /* In the list of open trails. */
};

/* The running part, opened if need be. NULL: it cannot be; *ret_error says why. */
struct live *trail_live(struct trail *trail, struct trail_error *ret_error);

/* Holding `opening`: have the key that `policy` samples by, if it samples, before it decides its first event. When the
 * state directory has none to give, this process makes do with one of its own, and *ret_notice says so: to be told
 * once the lock is released. TRAIL_EIO: not even that. */
TRAIL_MUST_CHECK enum trail_err trail_prepare_sampling(struct trail *trail, const struct policy *policy,
                                                       struct trail_error *ret_notice, struct trail_error *ret_error);

/* Stop and free it; *ret_waiting events stay in the spool. */
void live_close(struct trail *trail, struct live *live, uint64_t *ret_waiting);

/* Append the record that the trail stops. */
void live_record_stop(struct trail *trail, struct live *live);

/* trail.c: say something to on_notice. To be called without any lock: the host may hold one of its own there. */
void trail_tell(const struct trail *trail, enum trail_err code, const char *message);
void trail_tell_problems(const struct trail *trail, const struct settings_report *report);

/* live.c: tell, once, what went wrong with what the next start should know. */
void trail_tell_last_run(const struct trail *trail, struct live *live);

/* fork.c: know the trail, so that a child can give up what it inherits from it. */
TRAIL_MUST_CHECK enum trail_err fork_register(struct trail *trail, struct trail_error *ret_error);
void                            fork_unregister(struct trail *trail);

/* True when this process is a child that was made without the fork handlers; the trail is then as after
 * fork(). */
bool fork_unnoticed(struct trail *trail);

static inline const struct policy *trail_policy_now(const struct trail *trail)
{
    return __atomic_load_n(&trail->policy, __ATOMIC_ACQUIRE);
}

static inline struct rules *trail_rules_now(const struct trail *trail)
{
    return __atomic_load_n(&trail->rules, __ATOMIC_ACQUIRE);
}

static inline struct live *trail_live_now(const struct trail *trail)
{
    return __atomic_load_n(&trail->live, __ATOMIC_ACQUIRE);
}

#endif
