/* patience.c -- waits until something is true, and gives up after a time that no machine needs. */
#include "support/patience.h"

#include <poll.h>

#include "base/clock.h"

#define GIVE_UP_US (INT64_C(20) * 1000000)

bool patience_until(patience_fn is_true, void *context)
{
    int64_t until_us = clock_mono_us(&clock_system) + GIVE_UP_US;
    while (!is_true(context)) {
        if (clock_mono_us(&clock_system) > until_us)
            return false;
        (void)poll(NULL, 0, 1);
    }
    return true;
}
