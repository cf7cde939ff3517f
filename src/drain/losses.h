/* losses.h -- remembers which events a full spool could not take, until that can be recorded.
 *
 *     event  ->  policy  ->  spool  ->  [drain]  ->  store
 *
 * Each was reported to its caller and counted; this makes the trail itself say so, as one `events_lost` record per
 * episode.
 *
 * Thread: any; a lock of its own, taken only when something is lost.
 * Memory: a plain value.
 * Errors: none.
 */
#ifndef TRAIL_DRAIN_LOSSES_H
#define TRAIL_DRAIN_LOSSES_H

#include <pthread.h>

#include "base/buf.h"

/* One episode. */
struct loss {
    uint64_t rejected; /* The caller got TRAIL_EFULL. */
    uint64_t dropped;  /* The caller got TRAIL_DROPPED. */
    int64_t  first_us;
    int64_t  last_us;
};

struct losses {
    pthread_mutex_t lock;
    struct loss     now;
};

void losses_init(struct losses *losses);
void losses_done(struct losses *losses);

/* True for the first of an episode. */
bool losses_add(struct losses *losses, bool dropped, int64_t now_us);

/* Take what was lost, and forget it. False: nothing was. */
bool losses_take(struct losses *losses, struct loss *ret_loss);

/* It could not be recorded: remember it again. */
void losses_put_back(struct losses *losses, const struct loss *loss);

/* Append it as the context of an `events_lost` record. */
void loss_describe(const struct loss *loss, struct buf *out);

/* True when something was lost that is not recorded yet. */
bool losses_any(struct losses *losses);

#endif
