/* manual_clock.c -- a clock that stands still until a test turns it. */
#include "support/manual_clock.h"

static int64_t wall(void *context)
{
    return __atomic_load_n(&((struct manual_clock *)context)->wall_us, __ATOMIC_ACQUIRE);
}

static int64_t mono(void *context)
{
    return __atomic_load_n(&((struct manual_clock *)context)->mono_us, __ATOMIC_ACQUIRE);
}

void manual_clock_init(struct manual_clock *clock)
{
    *clock = (struct manual_clock){
        .clock = { wall, mono, clock, NULL },
        .wall_us = MANUAL_CLOCK_START_US,
        .mono_us = INT64_C(300) * 1000000,
    };
}

void manual_clock_advance(struct manual_clock *clock, int64_t us)
{
    __atomic_fetch_add(&clock->wall_us, us, __ATOMIC_ACQ_REL);
    __atomic_fetch_add(&clock->mono_us, us, __ATOMIC_ACQ_REL);
}

void manual_clock_step_wall(struct manual_clock *clock, int64_t us)
{
    __atomic_fetch_add(&clock->wall_us, us, __ATOMIC_ACQ_REL);
}
