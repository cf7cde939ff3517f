/* room.h -- lets a caller that can wait ask whether an event would fit, without offering it.
 *
 *     event  ->  policy  ->  spool  ->  drain  ->  store  ->  [trail]
 *
 * An event that is offered and finds the spool full is counted as rejected: that is right for a service, which has no
 * second try. A caller with a file behind it (`audittrail record`) waits first and offers then.
 *
 * Thread: any.
 * Memory: none.
 * Errors: none; what cannot be told is told as room, so that the offer itself says what is wrong.
 */
#ifndef TRAIL_TRAIL_ROOM_H
#define TRAIL_TRAIL_ROOM_H

#include "audittrail.h"

/* Wait until an event of about `bytes` fits, at most timeout_ms (0: only look). False: it still does not. */
bool trail_wait_room(struct trail *trail, size_t bytes, uint32_t timeout_ms);

#endif
