/* event_wire.h -- the bytes of an event inside a spool frame.
 *
 *     [event]  ->  policy  ->  spool  ->  drain  ->  store
 *
 * Payload of a frame of type event, integers little-endian, no padding:
 *
 *      0  u8   operation        (never 0)
 *      1  u8   outcome
 *      2  u8   classification
 *      3  u8   requires_review  (1 no, 2 yes)
 *      4  u32  fields           bit n set: field n of fields.def follows, in this order
 *      8  i64  timestamp_us
 *     16  f64  weight
 *     24  for each field:  u16 size, bytes    (text)
 *                          u32 size, bytes    (JSON)
 *
 * Texts are cleaned (UTF-8, no NUL, cut to their limit) while they are copied, so nothing else ever has to
 * clean them again. The frame carries seq and flags.
 *
 * Thread: any.
 * Memory: a decoded event borrows its texts from the payload.
 * Errors: encoding can run out of memory; decoding refuses what it cannot prove to be well-formed.
 */
#ifndef TRAIL_EVENT_EVENT_WIRE_H
#define TRAIL_EVENT_EVENT_WIRE_H

#include "base/buf.h"
#include "event/event.h"

/* Append the payload to `out`. The event is checked, its operation, timestamp and review are set, its JSON fields
 * are redacted and capped. Adds to *flags what cleaning had to do. TRAIL_ENOMEM. */
TRAIL_MUST_CHECK enum trail_err event_encode(const struct trail_event *event, double weight, struct buf *out,
                                             uint32_t *flags);

/* Fill *ret_record (all but seq and flags). TRAIL_ECORRUPT: not such a payload; *ret_record is untouched. */
TRAIL_MUST_CHECK enum trail_err event_decode(struct trail_text payload, struct event_record *ret_record);

/* The operation alone, for counting; 0 when the payload is too short or the value out of range. */
enum trail_operation event_peek_operation(struct trail_text payload);

#endif
