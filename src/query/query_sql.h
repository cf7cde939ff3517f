/* query_sql.h -- turns a filter into SQL over the star, one page at a time.
 *
 *     store  ->  [query]
 *
 * A page is found in two steps. The inner SELECT walks one index in the order asked for and stops at the page's
 * size; it touches facts only. The outer one joins the dimensions and payloads of just those rows. Which index is
 * walked is said (INDEXED BY), not left to the planner, which has no statistics here:
 *
 *     correlation id given          audit_events_correlation, all of it (a request has few events)
 *     a user, email or resource id  for each of its actors (resources) the newest page, then the newest of these
 *     team or type with few rows    the same
 *     anything else                 audit_events_time, and every event is looked at
 *
 * In PostgreSQL the page's rows are found with all their columns, among the days and among the strays, and the first of
 * both are joined to the dimensions. There the planner chooses, told to go by index where a dimension is filtered, and
 * kept to a window of time (query/windows.h), so that it looks at few days.
 *
 * What comes from outside is always a parameter, never text of the statement.
 *
 * Thread: one owner.
 * Memory: borrows the filter, texts included; owns its statement's text.
 * Errors: query_sql_init(): TRAIL_EINVAL names the field. Building can only run out of memory: buf_failed(&sql->text).
 */
#ifndef TRAIL_QUERY_QUERY_SQL_H
#define TRAIL_QUERY_QUERY_SQL_H

#include "base/buf.h"
#include "event/event.h"
#include "store/store.h"

/* Rows per page: some 100 KB of texts, a few milliseconds of reading. The first one is what most readers look at and
 * no more: a list of 100 rows is on the screen in less than half the time. */
#define QUERY_PAGE_ROWS 256
#define QUERY_FIRST_PAGE_ROWS 100

/* Patterns in one filter, and their bytes together. */
#define QUERY_PATTERNS_MAX 64
#define QUERY_PATTERN_BYTES_MAX 4096

/* Up to so many rows of a dimension, a team or type is walked row by row; beyond, matches are so frequent that
 * walking by time finds a page sooner. */
#define QUERY_DRIVERS_MAX 64

/* The patterns, and room for every other condition of a filter. */
#define QUERY_PARAMETERS_MAX (QUERY_PATTERNS_MAX + 32)

/* A place in the order (timestamp, writer, seq). */
struct query_position {
    int64_t timestamp_us;
    int64_t writer; /* audit_writers.id */
    int64_t seq;
};

/* Events from from_us on and before to_us; 0: without that bound. */
struct query_window {
    int64_t from_us;
    int64_t to_us;
};

enum query_drive { QUERY_BY_TIME, QUERY_BY_CORRELATION, QUERY_BY_RESOURCE, QUERY_BY_ACTOR };

struct query_sql {
    const struct trail_filter *filter;
    enum store_dialect         dialect; /* STORE_DIALECT_SQLITE until query_sql_speak(). */
    struct query_window        window;  /* Narrows the filter of pages and scans. */
    struct buf                 text;    /* The statement, NUL-terminated. */
    struct store_value         parameters[QUERY_PARAMETERS_MAX];
    size_t                     parameter_count;
    struct trail_text          patterns[QUERY_PATTERNS_MAX]; /* filter->action for LIKE, in lower case. */
    size_t                     pattern_count;
    char                       pattern_storage[2 * QUERY_PATTERN_BYTES_MAX];
};

TRAIL_MUST_CHECK enum trail_err query_sql_init(struct query_sql *sql, const struct trail_filter *filter,
                                               struct trail_error *ret_error);
void                            query_sql_done(struct query_sql *sql);

/* Build for this kind of store from now on. */
void query_sql_speak(struct query_sql *sql, enum store_dialect dialect);

/* How to find the filter's events. True: only when there are few rows of that dimension; run query_sql_drivers()
 * and fall back to QUERY_BY_TIME when it gives more than QUERY_DRIVERS_MAX rows. */
bool query_sql_drive(const struct trail_filter *filter, enum query_drive *ret_drive);

/* Build: at most QUERY_DRIVERS_MAX + 1 rows of the dimension that would be walked. */
void query_sql_drivers(struct query_sql *sql, enum query_drive drive);

/* Build: where the event with this id is: rows of timestamp, writer, seq. */
void query_sql_find(struct query_sql *sql, const struct event_id_parts *id);

/* Build: the page of at most row_limit rows behind `after` (NULL: the first one). Columns as enum query_column. */
void query_sql_page(struct query_sql *sql, enum query_drive drive, const struct query_position *after,
                    size_t row_limit);

/* Build: the same page with the few columns that a policy looks at, walked by time whatever the filter; for reading
 * through everything there is. Columns as enum scan_column. */
void query_sql_scan(struct query_sql *sql, const struct query_position *after, size_t row_limit);

enum scan_column {
    SCAN_COLUMN_TIMESTAMP,
    SCAN_COLUMN_WRITER,
    SCAN_COLUMN_SEQ,
    SCAN_COLUMN_OPERATION,
    SCAN_COLUMN_OUTCOME,
    SCAN_COLUMN_FLAGS,
    SCAN_COLUMN_WEIGHT,
    SCAN_COLUMN_ACTION,
    SCAN_COLUMN_RESOURCE_TYPE,
    SCAN_COLUMN_RESOURCE_ID,
    SCAN_COLUMN_USER_ID,
    SCAN_COLUMN_COUNT
};

/* Events of one writer that are wanted in the order of their numbers; no other condition applies. */
struct query_range {
    int64_t writer; /* audit_writers.id */
    int64_t first_seq;
    int64_t last_seq;
    int64_t min_timestamp_us; /* As the ledger says: events are found by time. */
    int64_t max_timestamp_us;
};

/* Build: at most row_limit events of the range, ascending. Columns as enum query_column. */
void query_sql_range(struct query_sql *sql, const struct query_range *range, size_t row_limit);

/* Build (PostgreSQL): the time of the first moment that any event may have; NULL: there is none. */
void query_sql_oldest(struct query_sql *sql);

/* Columns of a page's rows; the texts follow in the order of fields.def. */
enum query_column {
    QUERY_COLUMN_TIMESTAMP,
    QUERY_COLUMN_WRITER,
    QUERY_COLUMN_SEQ,
    QUERY_COLUMN_ID_HASH,
    QUERY_COLUMN_OPERATION,
    QUERY_COLUMN_OUTCOME,
    QUERY_COLUMN_FLAGS,
    QUERY_COLUMN_CLASSIFICATION,
    QUERY_COLUMN_REVIEW,
    QUERY_COLUMN_WEIGHT,
    QUERY_COLUMN_SERVICE,
    QUERY_COLUMN_TEXTS,
    QUERY_COLUMN_COUNT = QUERY_COLUMN_TEXTS + EVENT_FIELD_COUNT
};

#endif
