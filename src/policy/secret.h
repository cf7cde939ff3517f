/* secret.h -- the names of keys whose values are secret, and how to take those values out of text that is not JSON.
 *
 *     event  ->  [policy]  ->  spool  ->  drain  ->  store
 *
 * Names are compared whole, ASCII letters without their case, `-` as `_`. In text that is not JSON (a form, a header,
 * JSON that broke) a value cannot be told from what follows it, so more is taken out rather than less:
 *
 *     password=x&user=y          up to `&` or the end of the line
 *     Authorization: Bearer x    up to the end of the line
 *     "token" : "x"              up to the closing quote; without one, all that follows
 *     secret: { ...              all that follows
 *
 * Characters written as %70 or \u0070 are read as what they stand for, so a form inside a URL hides nothing.
 *
 * Thread: read-only once built.
 * Memory: owns copies of its names; secret_names_done() frees them.
 * Errors: building; redacting text fails only as its buffer does.
 */
#ifndef TRAIL_POLICY_SECRET_H
#define TRAIL_POLICY_SECRET_H

#include "base/buf.h"
#include "base/err.h"

#define SECRET_NAMES_MAX 256
#define SECRET_NAME_BYTES_MAX 63 /* One bit of a word for each size. */

/* What stands in place of a secret. */
#define SECRET_REPLACEMENT "[REDACTED]"

struct secret_names {
    size_t             count;
    uint64_t           sizes[32]; /* By the low five bits of the first byte: bit n: a name of n bytes is listed. */
    struct trail_text *names;     /* In lower case, `_` for `-`. */
    char              *bytes;     /* What the names point into. */
};

/* Take the comma-separated `fields`. TRAIL_ENOMEM; TRAIL_ECONFIG: over a limit; the message names the item. */
TRAIL_MUST_CHECK enum trail_err secret_names_init(struct secret_names *names, struct trail_text fields,
                                                  struct trail_error *ret_error);
void                            secret_names_done(struct secret_names *names);

bool secret_names_has(const struct secret_names *names, struct trail_text name);

/* Append `text` without the values of secret names. True when one was taken out. */
bool secret_redact_text(const struct secret_names *names, struct trail_text text, struct buf *out);

#endif
