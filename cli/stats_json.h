/* stats_json.h -- a survey as one JSON object for programs: all that the page shows, and every writer.
 *
 * Times are RFC 3339 in UTC with microseconds; what ends in _us is a span in microseconds. What there is not is null.
 *
 * Thread: any; one owner per buffer.
 * Memory: borrows the view.
 * Errors: buf_failed().
 */
#ifndef AUDITTRAIL_CLI_STATS_JSON_H
#define AUDITTRAIL_CLI_STATS_JSON_H

#include "base/buf.h"
#include "cli/stats_report.h"

/* One object and a newline; the names are stable: more may come, none goes. */
void stats_json_write(const struct stats_view *view, struct buf *out);

#endif
