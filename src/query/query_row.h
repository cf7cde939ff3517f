/* query_row.h -- a row of a page as the event it stands for.
 *
 *     store  ->  [query]
 *
 * The one place that knows what query_sql_page() and query_sql_range() put into which column.
 *
 * Thread: any.
 * Memory: the event borrows its texts from the columns, which live for the call of the row function.
 * Errors: none.
 */
#ifndef TRAIL_QUERY_QUERY_ROW_H
#define TRAIL_QUERY_QUERY_ROW_H

#include "query/query_sql.h"

/* Read the columns of enum query_column. */
void query_row_read(const struct store_value *columns, size_t column_count, struct trail_stored_event *ret_event,
                    struct query_position *ret_position);

#endif
