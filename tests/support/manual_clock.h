/* manual_clock.h -- a clock that stands still until a test turns it.
 *
 * Thread: any.
 * Memory: a plain value; it must outlive what was given its `clock`.
 * Errors: none.
 */
#ifndef TESTS_SUPPORT_MANUAL_CLOCK_H
#define TESTS_SUPPORT_MANUAL_CLOCK_H

#include "base/clock.h"

struct manual_clock {
    struct clock clock;
    int64_t      wall_us; /* Atomic. */
    int64_t      mono_us; /* Atomic. */
};

/* 2026-11-24, a few minutes after boot. */
#define MANUAL_CLOCK_START_US INT64_C(1795500000000000)

void manual_clock_init(struct manual_clock *clock);

/* Let time pass on both clocks. */
void manual_clock_advance(struct manual_clock *clock, int64_t us);

/* Set the wall clock forward or back, as an administrator does. */
void manual_clock_step_wall(struct manual_clock *clock, int64_t us);

#endif
