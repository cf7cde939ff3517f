/* stats_report.h -- prints a survey: for people as a calm page, for programs as one JSON object.
 *
 * Sums are over the writers of this store; those whose events wait for another store are told apart, because
 * what they did is not part of this store's accounts.
 *
 * Thread: any; one owner per buffer.
 * Memory: borrows the survey.
 * Errors: buf_failed(); write errors stay in the stream.
 */
#ifndef AUDITTRAIL_CLI_STATS_REPORT_H
#define AUDITTRAIL_CLI_STATS_REPORT_H

#include <stdio.h>

#include "base/buf.h"
#include "trail/survey.h"

void stats_report_table(const struct survey *survey, FILE *out);

/* One object and a newline; the names are stable. */
void stats_report_json(const struct survey *survey, struct buf *out);

#endif
