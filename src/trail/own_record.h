/* own_record.h -- records what the trail does to itself, for the parts of it that have no spool at hand.
 *
 *     event  ->  policy  ->  spool  ->  drain  ->  store  ->  [trail]
 *
 * Thread: any.
 * Memory: the context is borrowed for the call.
 * Errors: as trail_record(): the spool cannot be opened or is full; nothing was recorded then.
 */
#ifndef TRAIL_TRAIL_OWN_RECORD_H
#define TRAIL_TRAIL_OWN_RECORD_H

#include "base/buf.h"

/* Record `action` (event/control.h) with this JSON object as its context; opens the spool if need be. With the trail
 * disabled nothing is opened for it: TRAIL_REFUSED. A spool that a reload has left open takes it. */
TRAIL_MUST_CHECK enum trail_err trail_record_control(struct trail *trail, const char *action, const struct buf *context,
                                                     struct trail_error *ret_error);

#endif
