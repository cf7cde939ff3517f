/* batch.h -- events read from a spool that will be stored together.
 *
 *     event  ->  policy  ->  spool  ->  [drain]  ->  store
 *
 * A batch covers its writer's sequence numbers first_seq .. last_seq without a hole: each is an event or lies in a
 * gap, and a gap is itself a record (`events_lost`) that stands at the gap's first number.
 *
 * Thread: one owner.
 * Memory: owns what it derives; events borrow from the segments, which must stay mapped until the batch is cleared.
 * Errors: filling can run out of memory; the batch then holds what fitted.
 */
#ifndef TRAIL_DRAIN_BATCH_H
#define TRAIL_DRAIN_BATCH_H

#include "base/arena.h"
#include "base/buf.h"
#include "event/event.h"
#include "spool/reader.h"

/* One transaction holds at most this; measured: beyond 5,000 rows nothing is gained. */
#define BATCH_EVENTS_MAX 10000
#define BATCH_BYTES_MAX (4u * 1024 * 1024)

struct batch {
    struct event_record *records;
    uint64_t            *covers; /* covers[i]: the last seq that records[i] accounts for. */
    size_t               record_count;
    size_t               capacity;
    uint64_t             first_seq;
    uint64_t             last_seq; /* first_seq - 1: empty. */
    size_t               payload_bytes;
    uint64_t             gap_count; /* Gaps among the records. */
    size_t               changes_bytes_max;
    struct arena         arena;   /* What records were given beyond their frames. */
    struct buf           derived; /* Scratch for changes. */
};

/* changes_bytes_max: limit of the changes that are derived for an update. */
void batch_init(struct batch *batch, size_t changes_bytes_max);
void batch_done(struct batch *batch);

/* Read what there is, at most events_max events. A gap with nothing behind it gets the time now_us.
 * TRAIL_ENOMEM: not even one fitted. */
TRAIL_MUST_CHECK enum trail_err batch_fill(struct batch *batch, struct reader *reader, size_t events_max,
                                           int64_t now_us);

/* Ordinary events (no control records) among the records with after_seq < seq <= last_seq. */
uint64_t batch_ordinary_events(const struct batch *batch, uint64_t after_seq, uint64_t last_seq);

#endif
