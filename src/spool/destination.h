/* destination.h -- names the store that a spool is meant for, before and after the store was first reached.
 *
 *     event  ->  policy  ->  [spool]  ->  drain  ->  store
 *
 * Thread: any.
 * Memory: none.
 * Errors: hashing can run out of memory.
 */
#ifndef TRAIL_SPOOL_DESTINATION_H
#define TRAIL_SPOOL_DESTINATION_H

#include "base/uuid.h"

/* What stands for a store that was not reached yet: the first 16 bytes of the SHA-256 of its URL. */
TRAIL_MUST_CHECK enum trail_err destination_of_url(const char *url, struct uuid *ret_destination);

#endif
