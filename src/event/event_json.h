/* event_json.h -- an event as one JSON object: NDJSON in, NDJSON out.
 *
 *     [event]  ->  policy  ->  spool  ->  drain  ->  store
 *
 * In: one object with the field names of struct trail_event. `timestamp` is RFC 3339 text or an integer of
 * microseconds since 1970 (outside 1970-2100 is for the trail to clamp, not an error here); `operation`, `outcome`, `data_classification` are
 * names; `requires_review`, `success` are booleans; a text field may be a number or boolean too and is taken as written;
 * null means absent. JSON fields are taken as the verbatim bytes of
 * their value. Unknown members are kept, verbatim, as members of context.extra. Duplicate names, a `success` that contradicts
 * `outcome`, a wrong type: an error of this event that names the field.
 *
 * Out: every field that is set, in the order of the struct, plus id, level, flags, weight, writer, seq and success.
 *
 * Thread: any; one owner per scratch.
 * Memory: the event borrows from `json` and from `scratch`; both must outlive it.
 * Errors: TRAIL_EINVAL with ret_error->offset = position in the line; TRAIL_ENOMEM. The event is untouched then.
 */
#ifndef TRAIL_EVENT_EVENT_JSON_H
#define TRAIL_EVENT_EVENT_JSON_H

#include "base/buf.h"
#include "event/event.h"

/* Read one event. What has to be unescaped or put together lies in `scratch`, which is cleared first. */
TRAIL_MUST_CHECK enum trail_err event_from_json(struct trail_text json, struct buf *scratch,
                                                struct trail_event *ret_event, struct trail_error *ret_error);

/* Append `record` as one JSON object without a newline. `writer` may be NULL (then neither id nor writer). */
void event_to_json(const struct event_record *record, const struct uuid *writer, struct buf *out);

#endif
