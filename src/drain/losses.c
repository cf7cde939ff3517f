/* losses.c -- remembers which events a full spool could not take, until that can be recorded. */
#include "drain/losses.h"

#include <inttypes.h>

#include "base/clock.h"

void losses_init(struct losses *losses)
{
    *losses = (struct losses){ 0 };
    pthread_mutex_init(&losses->lock, NULL);
}

void losses_done(struct losses *losses)
{
    pthread_mutex_destroy(&losses->lock);
}

void losses_add(struct losses *losses, bool dropped, int64_t now_us)
{
    pthread_mutex_lock(&losses->lock);
    if (losses->rejected + losses->dropped == 0)
        losses->first_us = now_us;
    losses->last_us = now_us;
    if (dropped)
        losses->dropped++;
    else
        losses->rejected++;
    pthread_mutex_unlock(&losses->lock);
}

bool losses_any(struct losses *losses)
{
    pthread_mutex_lock(&losses->lock);
    bool any = losses->rejected + losses->dropped > 0;
    pthread_mutex_unlock(&losses->lock);
    return any;
}

bool losses_take(struct losses *losses, struct buf *ret_context)
{
    char first[CLOCK_TEXT_SIZE];
    char last[CLOCK_TEXT_SIZE];

    pthread_mutex_lock(&losses->lock);
    uint64_t rejected = losses->rejected;
    uint64_t dropped = losses->dropped;
    clock_format(losses->first_us, first);
    clock_format(losses->last_us, last);
    losses->rejected = 0;
    losses->dropped = 0;
    pthread_mutex_unlock(&losses->lock);

    if (rejected + dropped == 0)
        return false;
    buf_printf(ret_context,
               "{\"reason\":\"spool_full\",\"count\":%" PRIu64 ",\"rejected\":%" PRIu64 ",\"dropped\":%" PRIu64
               ",\"first\":\"%s\",\"last\":\"%s\"}",
               rejected + dropped, rejected, dropped, first, last);
    return true;
}
