/* query_request.h -- what `audittrail query` was asked for, read from its options.
 *
 * Thread: the main thread.
 * Memory: texts are views of argv; the list of actions, which --action builds up, is owned; query_request_done()
 *         frees it.
 * Errors: an option's take function says what would be allowed.
 */
#ifndef AUDITTRAIL_CLI_QUERY_REQUEST_H
#define AUDITTRAIL_CLI_QUERY_REQUEST_H

#include "base/uuid.h"
#include "cli/columns.h"
#include "cli/options.h"
#include "cli/output_format.h"

#define QUERY_LIMIT_DEFAULT 100

struct query_request {
    struct trail_filter filter;
    struct trail_id     id;    /* --id; empty: not asked for. */
    uint64_t            limit; /* Events to print; UINT64_MAX: all of them. */
    enum output_format  format;
    struct columns      columns;
    bool                no_pager;
    bool                columns_given;
    bool                since_given; /* Needed to name the next page. */
    bool                until_given;
    int64_t             now_us;  /* What ages count from: one moment for all options. */
    struct buf          actions; /* The patterns of all --action options, separated by commas. */
};

extern const struct option_info query_options[];

void query_request_init(struct query_request *request, int64_t now_us);
void query_request_done(struct query_request *request);

/* After the last option: what the options mean together. NULL, or what is wrong. */
const char *query_request_finish(struct query_request *request);

/* Append the command line that goes on behind `last`: the one in `argv`, quoted for a shell, its ages turned into
 * moments, so that both pages look at the same span of time. */
void query_request_next_page(const struct query_request *request, char **argv, const char *last, struct buf *out);

#endif
