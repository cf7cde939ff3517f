/* backoff.h -- how long to leave a store alone that is away: twice as long each time, within bounds.
 *
 *     event  ->  policy  ->  spool  ->  [drain]  ->  store
 *
 * Thread: one owner.
 * Memory: a plain value; {0} is ready to try.
 * Errors: none.
 */
#ifndef TRAIL_DRAIN_BACKOFF_H
#define TRAIL_DRAIN_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

/* A lock that is held for a moment should cost a moment; a database that is down should not be hammered. */
#define BACKOFF_FIRST_US 20000
#define BACKOFF_MAX_US 2000000

struct backoff {
    int64_t delay_us; /* Of the last failure; 0: the last attempt succeeded. */
    int64_t until_us; /* Not before (monotonic). */
};

static inline bool backoff_may_try(const struct backoff *backoff, int64_t now_us)
{
    return backoff->delay_us == 0 || now_us >= backoff->until_us;
}

/* Note a failure; true when it is the first after a success. */
static inline bool backoff_failed(struct backoff *backoff, int64_t now_us)
{
    bool first = backoff->delay_us == 0;
    backoff->delay_us = first ? BACKOFF_FIRST_US : backoff->delay_us * 2;
    if (backoff->delay_us > BACKOFF_MAX_US)
        backoff->delay_us = BACKOFF_MAX_US;
    backoff->until_us = now_us + backoff->delay_us;
    return first;
}

/* Note a success; true when there were failures before it. */
static inline bool backoff_succeeded(struct backoff *backoff)
{
    bool failed_before = backoff->delay_us != 0;
    backoff->delay_us = 0;
    return failed_before;
}

#endif
