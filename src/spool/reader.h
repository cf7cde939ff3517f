/* reader.h -- reads a writer's events in order, over all its segments, and says where some are missing.
 *
 *     event  ->  policy  ->  [spool]  ->  drain  ->  store
 *
 * The same walk serves a live spool, which grows while it is read, and the remains of a dead process. What comes out is
 * an unbroken account of the sequence numbers from next_seq on: each is either in an event or inside a gap.
 *
 * Thread: one owner. The appender may publish frames and segments meanwhile.
 * Memory: frames borrow from the segments, which must not be freed before the events are stored.
 * Errors: none: damage comes out as gaps.
 */
#ifndef TRAIL_SPOOL_READER_H
#define TRAIL_SPOOL_READER_H

#include "spool/segment.h"

struct reader {
    const struct segment *segment;  /* Being read; NULL: there is none (yet). */
    size_t                offset;   /* Next frame to look at. */
    uint64_t              next_seq; /* The number that must come next. */
    struct frame          held;     /* Read, and waiting behind the gap that was reported before it. */
    bool                  has_held;
    uint64_t              last_seen; /* Largest seq met or announced by a header, 0: none. */
    bool                  damaged;   /* Invalid bytes were met and no valid frame since. */
    bool                  tail_lost; /* Set by the owner: what followed the last segment is known to be lost. */
};

/* Events first .. last are missing. */
struct reader_gap {
    uint64_t first;
    uint64_t last;
    bool     open_end;     /* Lost tail: nothing is known behind `first`; last equals first. */
    int64_t  not_after_us; /* When the event behind the gap was appended; 0 if there is none. */
};

enum reader_result { READER_EVENT, READER_GAP, READER_END };

/* Read from the first segment on; events before next_seq are passed over. */
void reader_init(struct reader *reader, const struct segment *first, uint64_t next_seq);

/* The next event or gap. READER_END: nothing (more) yet; on a live spool it may be called again. */
enum reader_result reader_next(struct reader *reader, struct frame *ret_frame, struct reader_gap *ret_gap);

#endif
