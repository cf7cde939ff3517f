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
 * Errors: windows_find_oldest() asks the store; nothing else can fail.
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

/* True: windows_start() (`first`) or windows_advance() needs to know the oldest moment: call windows_find_oldest(). */
bool windows_need_oldest(const struct windows *windows, bool first);

/* Ask the store for it, if it is needed. `sql` is only used to build the statement. */
TRAIL_MUST_CHECK enum trail_err windows_find_oldest(struct windows *windows, bool first, struct query_sql *sql,
                                                    struct store *store, struct trail_error *ret_error);

/* The first window; `after` (NULL: none) is where the page before ended. */
void windows_start(struct windows *windows, const struct query_position *after);

/* The next one; not when `last`. */
void windows_advance(struct windows *windows);

#endif
