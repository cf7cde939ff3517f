/* tail_marker.h -- what `audittrail tail` says between the events: a gap, a dead letter, a store that is away.
 *
 * Thread: any.
 * Memory: appends to the caller's buffer.
 * Errors: none (buf_failed() for the buffer).
 */
#ifndef AUDITTRAIL_CLI_TAIL_MARKER_H
#define AUDITTRAIL_CLI_TAIL_MARKER_H

#include "query/tail.h"

/* True for what belongs among the events: it stands for some that are not shown. The rest is for stderr. */
bool tail_marker_is_record(const struct tail_item *item);

/* "-- gap: 3 events of gateway/1234 (seq 17-19): not in spool or store --", safe on a terminal, no newline. */
void tail_marker_text(const struct tail_item *item, struct buf *out);

/* {"gap":{"writer":...,"service":...,"pid":...,"first_seq":17,"last_seq":19,"count":3}}, no newline. */
void tail_marker_json(const struct tail_item *item, struct buf *out);

#endif
