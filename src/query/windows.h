/* windows.h -- which stretch of time to look through next, so that a page costs the days it comes from and not all.
 *
 *     store  ->  [query]
 *
 * PostgreSQL keeps a table per day, and finds a user's events of a day by index, but not the newest of all days first.
 * So the query does: it looks through the last hour, then the four hours before, then sixteen, until the page is full
 * or nothing is left. A busy user costs one look; a rare one some seven for a quarter of a year.
 *
 * Thread: one owner.
 * Memory: a plain value; borrows the filter.
 * Errors: none.
 */
#ifndef TRAIL_QUERY_WINDOWS_H
#define TRAIL_QUERY_WINDOWS_H

#include "query/query_sql.h"

#define WINDOWS_FIRST_US (INT64_C(3600) * 1000000)
#define WINDOWS_GROWTH 4

struct windows {
    const struct trail_filter *filter;
    bool                       enabled; /* Else there is one, without bounds. */
    int64_t                    now_us;
    bool                       oldest_known;
    int64_t                    oldest_us; /* No event is older; INT64_MAX: there is none. */
    int64_t                    step_us;
    struct query_window        window; /* Where to look now. */
    bool                       last;   /* Nothing is behind it. */
};

/* Begin at the end that the filter asks for, or at `after`. Correlation ids are looked for everywhere at once. */
void windows_init(struct windows *windows, const struct trail_filter *filter, enum store_dialect dialect,
                  enum query_drive drive, int64_t now_us);

/* True: the next call needs to know the oldest moment; set oldest_us and oldest_known (query_sql_oldest()). */
bool windows_need_oldest(const struct windows *windows, bool first);

/* The first window; `after` (NULL: none) is where the page before ended. */
void windows_start(struct windows *windows, const struct query_position *after);

/* The next one; not when `last`. */
void windows_advance(struct windows *windows);

#endif
