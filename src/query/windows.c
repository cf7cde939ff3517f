/* windows.c -- which stretch of time to look through next. */
#include "query/windows.h"

#include <assert.h>

void windows_init(struct windows *windows, const struct trail_filter *filter, enum store_dialect dialect,
                  enum query_drive drive, int64_t now_us)
{
    *windows = (struct windows){
        .filter = filter,
        .enabled = dialect == STORE_DIALECT_POSTGRESQL && drive != QUERY_BY_CORRELATION,
        .now_us = now_us,
        .step_us = WINDOWS_FIRST_US,
    };
}

bool windows_need_oldest(const struct windows *windows, bool first)
{
    bool forward = windows->filter->oldest_first;
    return windows->enabled && !windows->oldest_known && windows->filter->since_us == 0 && forward == first;
}

static bool take_oldest(void *context, const struct store_value *columns, size_t column_count)
{
    assert(column_count == 1);
    (void)column_count;
    *(int64_t *)context = columns[0].kind == STORE_INTEGER ? columns[0].integer : INT64_MAX;
    return false;
}

enum trail_err windows_find_oldest(struct windows *windows, bool first, struct query_sql *sql, struct store *store,
                                   struct trail_error *ret_error)
{
    if (!windows_need_oldest(windows, first))
        return TRAIL_OK;
    query_sql_oldest(sql);
    if (buf_failed(&sql->text))
        return error_set(ret_error, TRAIL_ENOMEM, 0, "no memory for a query");
    enum trail_err err = store_select(store, sql->text.data, sql->parameters, sql->parameter_count, take_oldest,
                                      &windows->oldest_us, ret_error);
    windows->oldest_known = err == TRAIL_OK;
    return err;
}

/* Where events begin: nothing is to be found before. */
static int64_t floor_of(const struct windows *windows)
{
    return windows->filter->since_us != 0 ? windows->filter->since_us : windows->oldest_us;
}

/* From step_us before `to_us` (0: now, and all that is to come). */
static void look_before(struct windows *windows, int64_t to_us)
{
    int64_t from_us = (to_us != 0 ? to_us : windows->now_us) - windows->step_us;
    bool    floor_is_known = windows->oldest_known || windows->filter->since_us != 0;
    windows->last = floor_is_known && from_us <= floor_of(windows);
    windows->window = (struct query_window){ windows->last ? windows->filter->since_us : from_us, to_us };
}

/* Up to step_us behind `from_us`. */
static void look_behind(struct windows *windows, int64_t from_us)
{
    int64_t until_us = windows->filter->until_us;
    int64_t end_us = until_us != 0 && until_us < windows->now_us ? until_us : windows->now_us;
    windows->last = from_us >= end_us - windows->step_us;
    windows->window = (struct query_window){ from_us, windows->last ? until_us : from_us + windows->step_us };
}

void windows_start(struct windows *windows, const struct query_position *after)
{
    assert(!windows_need_oldest(windows, true));
    if (!windows->enabled) {
        windows->last = true;
        return;
    }
    if (windows->filter->oldest_first)
        look_behind(windows, after != NULL ? after->timestamp_us : floor_of(windows));
    else
        look_before(windows, after != NULL ? after->timestamp_us + 1 : windows->filter->until_us);
}

void windows_advance(struct windows *windows)
{
    assert(!windows->last && !windows_need_oldest(windows, false));
    windows->step_us *= WINDOWS_GROWTH;
    if (windows->filter->oldest_first)
        look_behind(windows, windows->window.to_us);
    else
        look_before(windows, windows->window.from_us);
}
