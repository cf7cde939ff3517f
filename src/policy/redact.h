/* redact.h -- takes secrets and oversized values out of an event before anything is stored.
 *
 *     event  ->  [policy]  ->  spool  ->  drain  ->  store
 *
 * One pass over the bytes of each JSON value checks it, replaces the values of secret keys by
 * "[REDACTED]" and measures it, without building a tree. A value in which nothing is secret stays the very bytes
 * that came in. Key names are compared after unescaping, without case, `-` as `_`, at any depth, whole
 * (so `max_tokens` survives).
 *
 *   over the limit:    {"_truncated": true, "_bytes": n, "_sha256": "..."}    n and hash of the redacted text
 *   not a JSON object: {"_unparsed": "<text>", "_reason": "..."}    text redacted as well as text can be, cut to the limit
 *                      (delegation_chain may be any JSON value)
 *
 * request_path loses its query string (from the first `?` or `#`).
 *
 * Thread: read-only once built; one owner per scratch.
 * Memory: the event's fields are repointed into `scratch`, which must outlive it.
 * Errors: building and redacting can run out of memory; the event must not be recorded then.
 */
#ifndef TRAIL_POLICY_REDACT_H
#define TRAIL_POLICY_REDACT_H

#include "base/buf.h"
#include "event/event.h"

struct redactor;

/* `fields`: comma-separated key names. `value_bytes_max`: limit per JSON value. */
TRAIL_MUST_CHECK enum trail_err redactor_new(struct redactor **ret_redactor, struct trail_text fields,
                                             size_t value_bytes_max, struct trail_error *ret_error);
void                            redactor_free(struct redactor *redactor);

/* Redact every field of *event that can hold a secret. Adds TRAIL_FLAG_REDACTED, _TRUNCATED, _UNPARSED to *flags.
 * `scratch` is cleared first. TRAIL_ENOMEM. */
TRAIL_MUST_CHECK enum trail_err redact_event(const struct redactor *redactor, struct trail_event *event,
                                             struct buf *scratch, uint32_t *flags);

#endif
