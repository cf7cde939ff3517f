/* tail_request.h -- what `audittrail tail` was asked for, read from its options.
 *
 * Its filters are those of `audittrail query`: the same rows of the same table.
 *
 * Thread: the main thread.
 * Memory: as query_request.h.
 * Errors: an option's take function says what would be allowed.
 */
#ifndef AUDITTRAIL_CLI_TAIL_REQUEST_H
#define AUDITTRAIL_CLI_TAIL_REQUEST_H

#include "cli/query_request.h"

#define TAIL_LINES_DEFAULT 10

struct tail_request {
    struct query_request query; /* First: the take functions of the filters find it here. Its limit is -n. */
    bool                 follow;
    bool                 no_spool;
};

/* The options, made once; ends with a NULL name. */
const struct option_info *tail_options(void);

void tail_request_init(struct tail_request *request, int64_t now_us);
void tail_request_done(struct tail_request *request);

/* After the last option. NULL, or what is wrong. */
const char *tail_request_finish(struct tail_request *request);

#endif
