/* records.h -- the drain's records about what it did besides storing: spools taken over, clean-ups.
 *
 *     event  ->  policy  ->  spool  ->  [drain]  ->  store
 *
 * Thread: any.
 * Memory: borrows everything for the call.
 * Errors: none that matter: what a record tells of is in the store already, and a full spool is told of otherwise.
 */
#ifndef TRAIL_DRAIN_RECORDS_H
#define TRAIL_DRAIN_RECORDS_H

#include "drain/adopt.h"
#include "drain/retention.h"
#include "spool/spool.h"

/* `trail_recovered`: the spool of a dead process was emptied. */
void record_recovery(struct spool *spool, const struct adopt_report *report, int64_t now_us);

/* `retention_applied`: a clean-up came to its end, or was refused. */
void record_retention(struct spool *spool, const struct retention_report *report, int64_t now_us);

#endif
