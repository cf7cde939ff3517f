/* when.h -- reads a moment as people type it: 2026-11-24T04:05:06Z, 30m, 2h, 7d, now.
 *
 * Thread: any.
 * Memory: allocates nothing.
 * Errors: text that is no such moment, or one outside the years 1970-2100.
 */
#ifndef AUDITTRAIL_CLI_WHEN_H
#define AUDITTRAIL_CLI_WHEN_H

#include "audittrail.h"

/* What an error message says is allowed. */
#define WHEN_ALLOWED "a time such as 2026-11-24, 2026-11-24T04:05:06Z, now, or an age such as 90s, 30m, 2h, 7d, 1d12h"

/* "now", an age before now (s, m, h, d, w; several in a row add up), or RFC 3339 text as clock_parse() takes it. */
bool when_parse(struct trail_text text, int64_t now_us, int64_t *ret_us);

#endif
