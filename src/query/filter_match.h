/* filter_match.h -- says of an event in memory what the SQL of query_sql.h says of stored ones.
 *
 *     spool, store  ->  [query]
 *
 * For events that no database has yet. Every field of struct trail_filter but `after` and `oldest_first`, which are
 * about an order and not about an event. Text is compared byte by byte; actions as patterns, ASCII letters without
 * their case.
 *
 * Thread: read-only once built.
 * Memory: borrows the filter, texts included; owns its copy of the patterns.
 * Errors: building can run out of memory.
 */
#ifndef TRAIL_QUERY_FILTER_MATCH_H
#define TRAIL_QUERY_FILTER_MATCH_H

#include "base/buf.h"
#include "event/event.h"

struct filter_match {
    const struct trail_filter *filter;
    struct buf                 patterns; /* filter->action in lower case. */
};

TRAIL_MUST_CHECK enum trail_err filter_match_init(struct filter_match *match, const struct trail_filter *filter,
                                                  struct trail_error *ret_error);
void                            filter_match_done(struct filter_match *match);

/* The event's timestamp, operation, outcome and review are set, as frames and rows have them. */
bool filter_match_takes(const struct filter_match *match, const struct trail_event *event);

#endif
