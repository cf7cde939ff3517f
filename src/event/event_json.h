/* event_json.h -- an event as one JSON object: NDJSON in, NDJSON out.
 *
 *     [event]  ->  policy  ->  spool  ->  drain  ->  store
 *
 * In: one object with the field names of struct trail_event. `timestamp` is RFC 3339 text or an integer of
 * microseconds since 1970, 0 being now (outside 1970-2100 is for the trail to clamp, not an error here); `operation`,
 * `outcome`, `data_classification` are names; `requires_review`, `success` are booleans; a text field may be a number
 * or boolean too and is taken as written; null means absent, and so does an empty string for what is not JSON. JSON
 * fields are taken as the verbatim bytes of their value. Duplicate names, a `success` that contradicts `outcome`, a
 * wrong type: an error of this event that names the field.
 *
 * Unknown members, at most 64, are kept verbatim as members of context.extra:
 *
 *   "context": {"a": 1}, "x": 2        ->  {"a": 1,"extra":{"x":2}}
 *   "context": [1], "x": 2             ->  {"extra":{"context":[1],"x":2}}
 *   "context": {"extra": 1}, "x": 2    ->  {"extra": 1,"extra_2":{"x":2}}, the first free number up to 63
 *
 * Out: every field that is set, in the order of the struct, plus success, id, level, flags, weight, writer and seq.
 * What comes out may go in again: success agrees, the other derived members are unknown ones then. Line breaks
 * inside a JSON field, which can only be white space, come out as spaces.
 *
 * Thread: any; one owner per scratch.
 * Memory: the event borrows from `json` and from `scratch`; both must outlive it.
 * Errors: TRAIL_EINVAL with ret_error->offset = position in the line; TRAIL_ENOMEM. The event is untouched then.
 */
#ifndef TRAIL_EVENT_EVENT_JSON_H
#define TRAIL_EVENT_EVENT_JSON_H

#include "base/buf.h"
#include "base/json.h"
#include "event/event.h"

/* How many members that are no fields one event may have. */
#define EVENT_JSON_UNKNOWN_MAX 64

/* How deep an unknown member, or a context that is no object, may nest: it may end up in {"context":{"extra":{...}}},
 * and what is printed must be readable again. Other members go to the reader's own limit. */
#define EVENT_JSON_UNKNOWN_DEPTH_MAX (JSON_DEPTH_MAX - 3)

/* Read one event. What has to be unescaped or put together lies in `scratch`, which is cleared first. */
TRAIL_MUST_CHECK enum trail_err event_from_json(struct trail_text json, struct buf *scratch,
                                                struct trail_event *ret_event, struct trail_error *ret_error);

/* Append `record` as one JSON object without a newline. `writer` may be NULL (then neither id nor writer). Its texts
 * are clean, its JSON fields are JSON, its timestamp lies in 1970-2100: as every frame and row has them. Check
 * buf_failed(out). */
void event_to_json(const struct event_record *record, const struct uuid *writer, struct buf *out);

#endif
