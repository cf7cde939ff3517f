/* survey_spool.h -- what one writer's spool adds to its entry in a survey: what waits, what was refused, whose it is.
 *
 *     event  ->  policy  ->  [spool]  ->  drain  ->  store
 *
 * Thread: any; the writer may live and go on.
 * Memory: borrows everything for the call.
 * Errors: none; what cannot be read is not there.
 */
#ifndef TRAIL_TRAIL_SURVEY_SPOOL_H
#define TRAIL_TRAIL_SURVEY_SPOOL_H

#include "spool/remains.h"
#include "trail/survey.h"

/* Who asks whose a spool is. */
struct survey_asker {
    const struct uuid *store; /* NULL: the store cannot be asked who it is. */
    const struct uuid *url_hash;
};

/* Complete the entry, in which stands what the store knows of the writer. */
void survey_spool_read(struct survey_writer *writer, const struct remains *remains, const struct survey_asker *asker);

#endif
