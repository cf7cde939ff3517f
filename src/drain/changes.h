/* changes.h -- what an update changed, derived from the values before and after it.
 *
 *     event  ->  policy  ->  spool  ->  [drain]  ->  store
 *
 * An update that brings old_values and new_values but no changes gets {"key":{"old":...,"new":...}} with a member for
 * every top-level key whose value differs, sorted by key. Values stay the bytes they are; spelling alone (white space,
 * order of members, escapes) is no difference. A key on one side only has null on the other. Of duplicate keys the last
 * one counts. This runs in the drain, on values that are redacted already, so no secret can come back through it.
 *
 * Thread: any; one owner per output.
 * Memory: borrows the event for the call; working memory is freed before it returns.
 * Errors: TRAIL_ENOMEM, after which buf_failed(out) may be set; otherwise `out` only ever gains a whole object.
 */
#ifndef TRAIL_DRAIN_CHANGES_H
#define TRAIL_DRAIN_CHANGES_H

#include "base/buf.h"
#include "base/json.h"
#include "event/event.h"

/* Keys of both sides together. Two values of 16 KiB have 5,000 at most; beyond, the result would be cut anyway. */
#define CHANGES_KEYS_MAX 16384

/* How deep the values may nest: the result wraps their members twice where they were wrapped once, and stands in an
 * NDJSON line, which must be readable again (event_json.h). */
#define CHANGES_DEPTH_MAX (JSON_DEPTH_MAX - 2)

enum changes_verdict {
    CHANGES_NONE,    /* Not such an update, a value that was replaced (too large, unparsed), or no difference. */
    CHANGES_DERIVED, /* Appended to `out`. */
    CHANGES_CUT      /* There are changes, but over a limit: nothing appended; to be flagged TRAIL_FLAG_TRUNCATED. */
};

/* Append the changes of `event` to `out`, at most `bytes_max` bytes. */
TRAIL_MUST_CHECK enum trail_err changes_derive(const struct trail_event *event, size_t bytes_max, struct buf *out,
                                               enum changes_verdict *ret_verdict);

#endif
