/* records.h -- the drain's records about what it did besides storing: losses, spools taken over, clean-ups.
 *
 *     event  ->  policy  ->  spool  ->  [drain]  ->  store
 *
 * Thread: any.
 * Memory: borrows everything for the call.
 * Errors: none that matter: what a record tells of is in the store already or is told again; a full spool is told
 *         of otherwise.
 */
#ifndef TRAIL_DRAIN_RECORDS_H
#define TRAIL_DRAIN_RECORDS_H

#include "drain/adopt.h"
#include "drain/losses.h"
#include "drain/retention.h"
#include "spool/spool.h"

/* A record of lost events takes less. */
#define RECORD_LOSS_BYTES 512

/* `events_lost`: what a full spool could not take; remembered on if this cannot be recorded either. */
void record_loss(struct spool *spool, struct losses *losses, int64_t now_us);

/* `trail_recovered`: the spool of a dead process was emptied. */
void record_recovery(struct spool *spool, const struct adopt_report *report, int64_t now_us);

/* `retention_applied`: a clean-up came to its end, or was refused. */
void record_retention(struct spool *spool, const struct retention_report *report, int64_t now_us);

#endif
