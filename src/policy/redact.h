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
 *   not a JSON object: {"_unparsed": "<text>", "_reason": "..."}    text cut so that the whole keeps to the limit
 *
 * Of what is not JSON the part before the error is redacted as JSON, the rest as well as text can be (secret.h); an
 * error inside a secret value takes all that follows. delegation_chain may be any JSON value.
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

/* Room for either replacement with some text in it. The setting's own least value is larger. */
#define REDACT_VALUE_BYTES_MIN 256

struct redactor;

/* `fields`: comma-separated key names. `value_bytes_max`: limit per JSON value, at least REDACT_VALUE_BYTES_MIN.
 * TRAIL_ECONFIG: a limit is broken, the message names the item; TRAIL_EUNSUPPORTED: OpenSSL offers no SHA-256. */
TRAIL_MUST_CHECK enum trail_err redactor_new(struct redactor **ret_redactor, struct trail_text fields,
                                             size_t value_bytes_max, struct trail_error *ret_error);
void                            redactor_free(struct redactor *redactor);

/* Redact every field of *event that can hold a secret. Adds TRAIL_FLAG_REDACTED, _TRUNCATED, _UNPARSED (and
 * _REPAIRED for unparsed text that is not UTF-8) to *flags; the loss of a query string is no flag. `scratch` is
 * cleared first. TRAIL_ENOMEM: event and *flags are untouched. */
TRAIL_MUST_CHECK enum trail_err redact_event(const struct redactor *redactor, struct trail_event *event,
                                             struct buf *scratch, uint32_t *flags);

#endif
