/* room.h -- where the next event of a spool goes: makes segments, moves on to them, gives them back.
 *
 *     event  ->  policy  ->  [spool]  ->  drain  ->  store
 *
 * A spool has one current segment, at most one that is prepared to follow, and older ones that wait for the drain.
 * Their number is limited; without a successor the current one keeps a reserve for control records. What of this is for
 * everybody (spool_has_room(), spool_wait_room(), spool_release()) stands in spool.h.
 *
 * Thread: callers hold the spool's `lock`, except where said.
 * Memory: segments belong to the spool.
 * Errors: TRAIL_EFULL (limit or disk), TRAIL_EIO; nothing has changed then.
 */
#ifndef TRAIL_SPOOL_ROOM_H
#define TRAIL_SPOOL_ROOM_H

#include "spool/spool_state.h"

/* How long a disk that refused a segment is left alone. */
#define SPOOL_CREATE_AGAIN_US 100000

/* Create the file of a segment; a smaller one where the disk has no room for a whole one: without a successor the
 * current segment would never be given back, and a spool whose disk holds one and a half segments would stay full for
 * ever. All its pages are writable then: one stall is less than a fault for every eighth event. With the lock or
 * without. */
TRAIL_MUST_CHECK enum trail_err spool_create_segment(const struct spool *spool, uint32_t number,
                                                     struct segment **ret_segment, struct trail_error *ret_error);

/* Set ordinary_end and prepare_at anew. */
void spool_update_marks_locked(struct spool *spool);

/* True when a frame of `size` bytes fits at the tail of the current segment. */
static inline bool spool_fits_locked(const struct spool *spool, size_t size, bool control)
{
    size_t end = control ? spool->current->area.size : spool->ordinary_end;
    return !spool->current->failed && spool->current->tail + size <= end;
}

/* Make sure that it does. */
TRAIL_MUST_CHECK enum trail_err spool_make_room_locked(struct spool *spool, size_t size,
                                                       const struct spool_entry *entry, struct trail_error *ret_error);

#endif
