/* clock.h -- what time it is, by a clock that tests can replace.
 *
 * Thread: any; a replaced clock's functions must be callable from any thread.
 * Memory: a struct clock is borrowed for as long as what was given it lives.
 * Errors: none.
 */
#ifndef TRAIL_BASE_CLOCK_H
#define TRAIL_BASE_CLOCK_H

#include <time.h>

#include "audittrail.h"

struct clock {
    int64_t (*wall_us)(void *context); /* Microseconds since 1970 UTC; may jump. */
    int64_t (*mono_us)(void *context); /* Microseconds since an arbitrary moment; never goes back. */
    void *context;
    int64_t (*boot_us)(void *context); /* Microseconds since boot, sleep included; NULL: as mono_us. */
};

/* The operating system's clocks. */
extern const struct clock clock_system;

static inline int64_t clock_wall_us(const struct clock *clock)
{
    return clock->wall_us(clock->context);
}

static inline int64_t clock_mono_us(const struct clock *clock)
{
    return clock->mono_us(clock->context);
}

static inline int64_t clock_boot_us(const struct clock *clock)
{
    return clock->boot_us != NULL ? clock->boot_us(clock->context) : clock->mono_us(clock->context);
}

/* The years the product stores: 1970-01-01 to the end of 2100. */
#define CLOCK_WALL_US_MIN 0
#define CLOCK_WALL_US_MAX INT64_C(4133980799999999)

/* The moment timeout_ms from now on the operating system's monotonic clock, for pthread_cond_timedwait(). */
struct timespec clock_deadline(uint32_t timeout_ms);

/* "2026-11-24T04:05:06.123456Z" and a NUL: 28 bytes. Always six digits, always UTC. */
#define CLOCK_TEXT_SIZE 28
void clock_format(int64_t wall_us, char out[CLOCK_TEXT_SIZE]);

/* Read RFC 3339 text ("2026-11-24", "2026-11-24T04:05:06Z", "...06.123+02:00"; a space is taken for T, a
 * missing zone for UTC). False: not such a text; *ret_wall_us is untouched. Years 0000-9999. */
bool clock_parse(struct trail_text text, int64_t *ret_wall_us);

#endif
