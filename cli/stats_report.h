/* stats_report.h -- prints a survey as a calm page for people: what is wrong first, then where everything is.
 *
 * Thread: any.
 * Memory: a view borrows all it shows.
 * Errors: write errors stay in the stream.
 */
#ifndef AUDITTRAIL_CLI_STATS_REPORT_H
#define AUDITTRAIL_CLI_STATS_REPORT_H

#include <stdio.h>

#include "cli/stats_warnings.h"

/* What `stats` shows, as a page and as JSON. */
struct stats_view {
    const struct survey         *survey;
    const struct stats_sums     *sums;
    const struct stats_warnings *warnings;
    const struct settings       *settings;
    const char                  *policy; /* What policy_describe() says of these settings. */
};

void stats_report_page(const struct stats_view *view, FILE *out);

#endif
