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

static uint64_t count_of(const struct loss *loss)
{
    return loss->rejected + loss->dropped;
}

bool losses_any(struct losses *losses)
{
    pthread_mutex_lock(&losses->lock);
    bool any = count_of(&losses->now) > 0;
    pthread_mutex_unlock(&losses->lock);
    return any;
}

bool losses_take(struct losses *losses, struct loss *ret_loss)
{
    pthread_mutex_lock(&losses->lock);
    *ret_loss = losses->now;
    losses->now = (struct loss){ 0 };
    pthread_mutex_unlock(&losses->lock);
    return count_of(ret_loss) > 0;
}

/* True when nothing was lost before. */
static bool add(struct losses *losses, const struct loss *loss)
{
    pthread_mutex_lock(&losses->lock);
    struct loss *now = &losses->now;
    bool         first = count_of(now) == 0;
    now->rejected += loss->rejected;
    now->dropped += loss->dropped;
    now->first_us = first || loss->first_us < now->first_us ? loss->first_us : now->first_us;
    now->last_us = first || loss->last_us > now->last_us ? loss->last_us : now->last_us;
    pthread_mutex_unlock(&losses->lock);
    return first;
}

bool losses_add(struct losses *losses, bool dropped, int64_t now_us)
{
    const struct loss one = {
        .rejected = dropped ? 0 : 1,
        .dropped = dropped ? 1 : 0,
        .first_us = now_us,
        .last_us = now_us,
    };
    return add(losses, &one);
}

void losses_put_back(struct losses *losses, const struct loss *loss)
{
    (void)add(losses, loss);
}

void loss_describe(const struct loss *loss, struct buf *out)
{
    char first[CLOCK_TEXT_SIZE];
    char last[CLOCK_TEXT_SIZE];
    clock_format(loss->first_us, first);
    clock_format(loss->last_us, last);
    buf_printf(out,
               "{\"reason\":\"spool_full\",\"count\":%" PRIu64 ",\"rejected\":%" PRIu64 ",\"dropped\":%" PRIu64
               ",\"first\":\"%s\",\"last\":\"%s\"}",
               count_of(loss), loss->rejected, loss->dropped, first, last);
}
