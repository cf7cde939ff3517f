/* query.c -- reads events back, a page at a time, through the public trail_query_* functions. */
#include "audittrail.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/settings.h"
#include "query/query_row.h"
#include "query/windows.h"

/* Texts of one page beyond this end the page early: rows with five 16 KiB values would make it 20 MiB. */
#define PAGE_TEXT_BYTES_MAX (2 * 1024 * 1024)

struct trail_query {
    struct store              *store;
    struct trail_filter        filter;       /* Its texts point into filter_texts. */
    struct buf                 filter_texts; /* Never grows after open. */
    struct query_sql           sql;
    enum query_drive           drive;
    struct windows             windows;
    bool                       started; /* `position` holds. */
    struct query_position      position;
    bool                       last_page;  /* There is no page behind this one. */
    size_t                     page_limit; /* Rows that the next page may have. */
    size_t                     row_count;
    size_t                     row_next; /* The row that the next call hands out. */
    struct buf                 texts;    /* Of the page's rows, one after the other. */
    struct trail_stored_event *rows;     /* QUERY_PAGE_ROWS. */
};

/* ---- Filter ---- */

static struct trail_text *const *filter_texts(struct trail_filter *filter, struct trail_text *texts[7])
{
    texts[0] = &filter->user_id;
    texts[1] = &filter->user_email;
    texts[2] = &filter->team_id;
    texts[3] = &filter->resource_type;
    texts[4] = &filter->resource_id;
    texts[5] = &filter->action;
    texts[6] = &filter->correlation_id;
    return texts;
}

/* Copy the caller's filter with its texts. A smaller struct is one of an older caller: what it lacks is absent. */
static enum trail_err copy_filter(struct trail_query *query, const struct trail_filter *filter,
                                  struct trail_error *ret_error)
{
    if (filter == NULL)
        return TRAIL_OK;
    if (filter->struct_size < sizeof filter->struct_size || filter->struct_size > 4096)
        return error_set(ret_error, TRAIL_EINVAL, 0, "the filter was not set up with TRAIL_FILTER_INIT");
    size_t size = filter->struct_size < sizeof query->filter ? filter->struct_size : sizeof query->filter;
    memcpy(&query->filter, filter, size);

    struct trail_text        *storage[7];
    struct trail_text *const *texts = filter_texts(&query->filter, storage);
    size_t                    total = 0;
    for (size_t i = 0; i < 7; i++)
        total += texts[i]->size;
    if (buf_reserve(&query->filter_texts, total + 1) == NULL)
        return error_set(ret_error, TRAIL_ENOMEM, 0, "no memory for a filter");
    for (size_t i = 0; i < 7; i++) {
        const char *copy = query->filter_texts.data + query->filter_texts.size;
        buf_append_text(&query->filter_texts, *texts[i]);
        texts[i]->data = copy;
    }
    return TRAIL_OK;
}

/* ---- Asking the store ---- */

static enum trail_err run(struct trail_query *query, store_row_fn on_row, void *context, struct trail_error *ret_error)
{
    if (buf_failed(&query->sql.text))
        return error_set(ret_error, TRAIL_ENOMEM, 0, "no memory for a query");
    const struct store_query select = {
        .sql = query->sql.text.data,
        .parameters = query->sql.parameters,
        .parameter_count = query->sql.parameter_count,
        .on_row = on_row,
        .context = context,
        .by_index = query->drive != QUERY_BY_TIME,
    };
    return store_run_query(query->store, &select, ret_error);
}

static bool count_row(void *context, const struct store_value *columns, size_t column_count)
{
    (void)columns;
    (void)column_count;
    (*(size_t *)context)++;
    return true;
}

static enum trail_err choose_drive(struct trail_query *query, struct trail_error *ret_error)
{
    if (!query_sql_drive(&query->filter, &query->drive))
        return TRAIL_OK;
    size_t drivers = 0;
    query_sql_drivers(&query->sql, query->drive);
    enum trail_err err = run(query, count_row, &drivers, ret_error);
    if (drivers > QUERY_DRIVERS_MAX)
        query->drive = QUERY_BY_TIME;
    return err;
}

static bool take_position(void *context, const struct store_value *columns, size_t column_count)
{
    struct trail_query *query = context;
    assert(column_count == 3);
    query->position = (struct query_position){ columns[0].integer, columns[1].integer, columns[2].integer };
    query->started = true;
    return false;
}

/* Find the event that filter.after names. One that is gone (retention) leaves its millisecond: go on at its edge,
 * where nothing is left out. */
static enum trail_err find_start(struct trail_query *query, struct trail_error *ret_error)
{
    const char *text = query->filter.after.text;
    if (text[0] == '\0')
        return TRAIL_OK;
    struct event_id_parts id;
    struct trail_text     given = { text, strnlen(text, sizeof query->filter.after.text) };
    if (!event_id_parse(given, &id))
        return error_set(ret_error, TRAIL_EINVAL, 0, "the filter's after \"%.*s\" is not an event's id",
                         (int)given.size, text);

    query_sql_find(&query->sql, &id);
    enum trail_err err = run(query, take_position, query, ret_error);
    if (err != TRAIL_OK || query->started)
        return err;
    if (query->filter.oldest_first)
        query->position = (struct query_position){ id.timestamp_ms * 1000 - 1, INT64_MAX, INT64_MAX };
    else
        query->position = (struct query_position){ (id.timestamp_ms + 1) * 1000, 0, 0 };
    query->started = true;
    return TRAIL_OK;
}

/* ---- A page ---- */

/* Only the size for now: the buffer may move until the page is complete. */
static void keep_text(struct trail_query *query, struct trail_text *text)
{
    buf_append_text(&query->texts, *text);
    text->data = NULL;
}

static bool take_row(void *context, const struct store_value *columns, size_t column_count)
{
    struct trail_query *query = context;
    assert(query->row_count < QUERY_PAGE_ROWS);

    struct trail_stored_event *row = &query->rows[query->row_count++];
    query_row_read(columns, column_count, row, &query->position);
    query->started = true;
    keep_text(query, &row->service);
    for (size_t i = 0; i < EVENT_FIELD_COUNT; i++)
        keep_text(query, event_text_at(&row->event, (enum event_field)i));
    return query->texts.size < PAGE_TEXT_BYTES_MAX && !buf_failed(&query->texts);
}

static const char *point_text(struct trail_text *text, const char *at)
{
    if (text->size > 0)
        text->data = at;
    return at + text->size;
}

/* The page's texts lie where they will stay: point the rows at them, in the order they were kept. */
static void point_texts(struct trail_query *query)
{
    const char *at = query->texts.data;
    for (size_t i = 0; i < query->row_count; i++) {
        at = point_text(&query->rows[i].service, at);
        for (size_t field = 0; field < EVENT_FIELD_COUNT; field++)
            at = point_text(event_text_at(&query->rows[i].event, (enum event_field)field), at);
    }
}

static bool page_is_full(const struct trail_query *query)
{
    return query->row_count == query->page_limit || query->texts.size >= PAGE_TEXT_BYTES_MAX;
}

/* What is left of the page from where we are, through as many windows of time as it takes. */
static enum trail_err fill_page(struct trail_query *query, struct trail_error *ret_error)
{
    for (;;) {
        const struct query_position position = query->position;
        query->sql.window = query->windows.window;
        query_sql_page(&query->sql, query->drive, query->started ? &position : NULL,
                       query->page_limit - query->row_count);
        enum trail_err err = run(query, take_row, query, ret_error);
        if (err == TRAIL_OK && buf_failed(&query->texts))
            err = error_set(ret_error, TRAIL_ENOMEM, 0, "no memory for a page of events");
        if (err != TRAIL_OK || page_is_full(query) || query->windows.last)
            return err;
        err = windows_find_oldest(&query->windows, false, &query->sql, query->store, ret_error);
        if (err != TRAIL_OK)
            return err;
        windows_advance(&query->windows);
    }
}

static enum trail_err read_page(struct trail_query *query, struct trail_error *ret_error)
{
    const struct query_position before = query->position;
    const struct windows        windows = query->windows;
    const bool                  started = query->started;
    query->row_count = 0;
    query->row_next = 0;
    buf_clear(&query->texts);

    enum trail_err err = fill_page(query, ret_error);
    if (err != TRAIL_OK) {
        /* Nothing of this page was handed out: the next call asks for it again. */
        query->row_count = 0;
        query->position = before;
        query->windows = windows;
        query->started = started;
        return err;
    }
    query->last_page = !page_is_full(query);
    query->page_limit = QUERY_PAGE_ROWS;
    point_texts(query);
    return TRAIL_OK;
}

/* ---- The beginning ---- */

static enum trail_err begin(struct trail_query *query, struct trail_error *ret_error)
{
    query_sql_speak(&query->sql, store_dialect(query->store));
    enum trail_err err = choose_drive(query, ret_error);
    if (err == TRAIL_OK)
        err = find_start(query, ret_error);
    if (err != TRAIL_OK)
        return err;
    windows_init(&query->windows, &query->filter, store_dialect(query->store), query->drive,
                 clock_wall_us(&clock_system));
    err = windows_find_oldest(&query->windows, true, &query->sql, query->store, ret_error);
    if (err == TRAIL_OK)
        windows_start(&query->windows, query->started ? &query->position : NULL);
    return err;
}

/* ---- The public functions ---- */

static enum trail_err open_configured_store(struct store **ret_store, struct trail_error *ret_error)
{
    const struct settings_input input = { .environment = (const char *const *)environ };
    struct settings             settings;
    struct settings_report      report;
    enum trail_err              err = settings_load(&settings, &input, &report);
    if (err == TRAIL_OK)
        err = store_open_reader(ret_store, settings.database_url, ret_error);
    else
        (void)error_set(ret_error, err, 0, "%s", report.problem_count > 0 ? report.problems[0].message : "no settings");
    settings_report_done(&report);
    settings_done(&settings);
    return err;
}

enum trail_err trail_query_open(struct trail_query **ret_query, const char *database_url,
                                const struct trail_filter *filter, struct trail_error *ret_error)
{
    if (ret_query == NULL)
        return error_set(ret_error, TRAIL_EINVAL, 0, "ret_query is NULL");

    struct trail_query *query = calloc(1, sizeof *query);
    if (query == NULL)
        return error_set(ret_error, TRAIL_ENOMEM, 0, "no memory for a query");
    query->page_limit = QUERY_FIRST_PAGE_ROWS;
    query->rows = calloc(QUERY_PAGE_ROWS, sizeof *query->rows);
    enum trail_err err = TRAIL_OK;
    if (query->rows == NULL)
        err = error_set(ret_error, TRAIL_ENOMEM, 0, "no memory for a query");
    if (err == TRAIL_OK)
        err = copy_filter(query, filter, ret_error);
    if (err == TRAIL_OK)
        err = query_sql_init(&query->sql, &query->filter, ret_error);
    if (err == TRAIL_OK)
        err = database_url != NULL ? store_open_reader(&query->store, database_url, ret_error)
                                   : open_configured_store(&query->store, ret_error);
    if (err == TRAIL_OK)
        err = begin(query, ret_error);
    if (err != TRAIL_OK) {
        trail_query_close(query);
        return err;
    }
    *ret_query = query;
    return TRAIL_OK;
}

enum trail_err trail_query_next(struct trail_query *query, struct trail_stored_event *ret_event,
                                struct trail_error *ret_error)
{
    if (query == NULL || ret_event == NULL)
        return error_set(ret_error, TRAIL_EINVAL, 0, "query or ret_event is NULL");

    if (query->row_next == query->row_count && !query->last_page) {
        enum trail_err err = read_page(query, ret_error);
        if (err != TRAIL_OK)
            return err;
    }
    if (query->row_next == query->row_count)
        return error_set(ret_error, TRAIL_ENOTFOUND, 0, "there is no further event");
    *ret_event = query->rows[query->row_next++];
    return TRAIL_OK;
}

void trail_query_close(struct trail_query *query)
{
    if (query == NULL)
        return;
    store_close(query->store);
    query_sql_done(&query->sql);
    buf_done(&query->filter_texts);
    buf_done(&query->texts);
    free(query->rows);
    free(query);
}
