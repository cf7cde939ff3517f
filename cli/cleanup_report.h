/* cleanup_report.h -- prints what a clean-up did, or would do: for people as a few lines, for programs as JSON.
 *
 * Thread: the main thread.
 * Memory: borrows everything.
 * Errors: write errors stay in the stream.
 */
#ifndef AUDITTRAIL_CLI_CLEANUP_REPORT_H
#define AUDITTRAIL_CLI_CLEANUP_REPORT_H

#include <stdio.h>

#include "drain/retention.h"

void cleanup_report_done(const struct retention_report *report, bool json, FILE *out);

/* `days`: AUDIT_TRAIL_RETENTION_DAYS, from which the cut-off comes. */
void cleanup_report_forecast(const struct cleanup_forecast *forecast, int64_t cut_off_us, uint64_t days, bool json,
                             FILE *out);

#endif
