/* database_url.h -- where the store is, as an operator writes it: sqlite:PATH or postgresql://...
 *
 * Thread: any.
 * Memory: results are appended to the caller's buffer.
 * Errors: database_url_resolve() says in words why a URL is not taken.
 */
#ifndef TRAIL_BASE_DATABASE_URL_H
#define TRAIL_BASE_DATABASE_URL_H

#include "base/buf.h"

/* Append the URL to *out, that of a file with an absolute path ("sqlite:/var/lib/x/audit.db").
 * TRAIL_EINVAL: not a store of this release; why is appended to *reason. */
TRAIL_MUST_CHECK enum trail_err database_url_resolve(struct trail_text url, struct buf *out, struct buf *reason);

/* Append the URL with `***` in place of what can be a password. Masks too much rather than too little. */
void database_url_mask(struct trail_text url, struct buf *out);

#endif
