/* simulate_store.c -- shows a draft policy the events of a store, and what the store knows of those it never saw. */
#include "query/simulate_store.h"

#include <assert.h>

#include "base/clock.h"
#include "query/query_sql.h"
#include "query/windows.h"

/* Rows of a page: some milliseconds, and the statement's own cost is nothing beside them. */
#define SCAN_PAGE_ROWS 4096

struct scan {
    struct simulation    *simulation;
    struct query_position position;
    size_t                row_count; /* Of this page. */
};

static bool take_row(void *context, const struct store_value *columns, size_t column_count)
{
    struct scan *scan = context;
    assert(column_count == SCAN_COLUMN_COUNT);

    scan->row_count++;
    scan->position = (struct query_position){ columns[SCAN_COLUMN_TIMESTAMP].integer,
                                              columns[SCAN_COLUMN_WRITER].integer, columns[SCAN_COLUMN_SEQ].integer };
    if ((columns[SCAN_COLUMN_FLAGS].integer & TRAIL_FLAG_CONTROL) != 0) {
        simulation_control(scan->simulation);
        return true;
    }
    /* A number that this version does not know counts as what says nothing does. */
    int64_t                  operation = columns[SCAN_COLUMN_OPERATION].integer;
    bool                     known = operation > 0 && operation < TRAIL_OPERATION_COUNT;
    const struct trail_event event = {
        TRAIL_EVENT_INIT,
        .timestamp_us = scan->position.timestamp_us,
        .operation = known ? (enum trail_operation)operation : TRAIL_OPERATION_OTHER,
        .outcome = (enum trail_outcome)columns[SCAN_COLUMN_OUTCOME].integer,
        .action = columns[SCAN_COLUMN_ACTION].text,
        .resource_type = columns[SCAN_COLUMN_RESOURCE_TYPE].text,
        .resource_id = columns[SCAN_COLUMN_RESOURCE_ID].text,
        .user_id = columns[SCAN_COLUMN_USER_ID].text,
    };
    simulation_stored(scan->simulation, &event, columns[SCAN_COLUMN_WEIGHT].real);
    return true;
}

/* One page from where we are, in this window. */
static enum trail_err scan_page(struct scan *scan, struct store *store, struct query_sql *sql, bool first,
                                struct trail_error *ret_error)
{
    const struct query_position position = scan->position;
    query_sql_scan(sql, first ? NULL : &position, SCAN_PAGE_ROWS);
    if (buf_failed(&sql->text))
        return error_set(ret_error, TRAIL_ENOMEM, 0, "no memory for a query");
    scan->row_count = 0;
    return store_select(store, sql->text.data, sql->parameters, sql->parameter_count, take_row, scan, ret_error);
}

static enum trail_err scan_events(struct simulation *simulation, struct store *store, const struct trail_filter *filter,
                                  struct trail_error *ret_error)
{
    struct scan      scan = { .simulation = simulation };
    struct query_sql sql;
    struct windows   windows;
    bool             first = true;
    enum trail_err   err = query_sql_init(&sql, filter, ret_error);

    query_sql_speak(&sql, store_dialect(store));
    windows_init(&windows, filter, sql.dialect, QUERY_BY_TIME, clock_wall_us(&clock_system));
    windows_start(&windows, NULL); /* At the newest end. */
    while (err == TRAIL_OK) {
        sql.window = windows.window;
        err = scan_page(&scan, store, &sql, first, ret_error);
        first = first && scan.row_count == 0;
        if (err != TRAIL_OK || (scan.row_count < SCAN_PAGE_ROWS && windows.last))
            break;
        if (scan.row_count == SCAN_PAGE_ROWS) {
            if (simulation->on_progress != NULL)
                simulation->on_progress(simulation->progress_context, simulation->events);
            continue;
        }
        err = windows_find_oldest(&windows, false, &sql, store, ret_error);
        if (err == TRAIL_OK)
            windows_advance(&windows);
    }
    query_sql_done(&sql);
    return err;
}

/* ---- Time --------------------------------------------------------------------------------------- */

static bool take_number(void *context, const struct store_value *columns, size_t column_count)
{
    if (column_count == 1 && columns[0].kind == STORE_INTEGER)
        *(int64_t *)context = columns[0].integer;
    return true;
}

/* A store that is younger than the range says nothing about the time before its first event. */
static enum trail_err find_span(struct simulation *simulation, struct store *store, const struct trail_filter *filter,
                                struct trail_error *ret_error)
{
    static const char *const first_sql[] = {
        [STORE_DIALECT_SQLITE] = "SELECT min(timestamp) FROM audit_events",
        [STORE_DIALECT_POSTGRESQL] = "SELECT min(first) FROM (SELECT min(timestamp) AS first FROM audit_events"
                                     " UNION ALL SELECT min(timestamp) FROM audit_events_stray) t",
    };
    int64_t        first_us = filter->until_us;
    enum trail_err err =
        store_select(store, first_sql[store_dialect(store)], NULL, 0, take_number, &first_us, ret_error);
    simulation->since_us = first_us > filter->since_us ? first_us : filter->since_us;
    if (simulation->since_us > filter->until_us)
        simulation->since_us = filter->until_us;
    simulation->until_us = filter->until_us;
    return err;
}

/* ---- What was not recorded ---------------------------------------------------------------------- */

static bool asks_by_time_and_operation_alone(const struct trail_filter *filter)
{
    size_t texts = filter->user_id.size + filter->user_email.size + filter->team_id.size + filter->resource_type.size +
                   filter->resource_id.size + filter->action.size + filter->correlation_id.size;
    return texts == 0 && filter->outcomes == 0 && filter->level == 0 && filter->data_classification == 0 &&
           filter->requires_review == TRAIL_REVIEW_AUTO;
}

static enum trail_err add_unseen(struct simulation *simulation, struct store *store, const struct trail_filter *filter,
                                 struct trail_error *ret_error)
{
    struct unseen  unseen;
    enum trail_err err = unseen_load(&unseen, store, filter->since_us, filter->until_us, ret_error);
    if (err != TRAIL_OK)
        return err;

    simulation->unseen_asked = true;
    simulation->unseen_spread = unseen.spread;
    simulation->unseen_unplaced = unseen.unplaced;
    for (size_t i = 1; i < TRAIL_OPERATION_COUNT; i++) {
        struct simulate_operation *operation = &simulation->operations[i];
        if (filter->operations != 0 && (filter->operations >> i & 1) == 0)
            continue;
        operation->unseen_now = unseen.operations[i];
        simulation->contradicting +=
            unseen_contradicting(&operation->unseen_now, (enum trail_operation)i, simulation->now);
        operation->unseen = unseen_forecast(&operation->unseen_now, (enum trail_operation)i, operation->weighed,
                                            simulation->now, simulation->draft);
    }
    return TRAIL_OK;
}

/* ---- All of it ---------------------------------------------------------------------------------- */

enum trail_err simulate_store(struct simulation *simulation, struct store *store, const struct trail_filter *filter,
                              int64_t now_us, struct trail_error *ret_error)
{
    struct trail_filter asked = *filter;
    asked.after.text[0] = '\0';
    asked.oldest_first = false;
    if (asked.until_us == 0 || asked.until_us > now_us)
        asked.until_us = now_us;

    simulation->of_store = true;
    enum trail_err err = scan_events(simulation, store, &asked, ret_error);
    if (err == TRAIL_OK)
        err = find_span(simulation, store, &asked, ret_error);
    if (err == TRAIL_OK && asks_by_time_and_operation_alone(&asked))
        err = add_unseen(simulation, store, &asked, ret_error);
    return err;
}

enum trail_err simulate_weigh_by(struct simulation *simulation, struct store *store, struct trail_error *ret_error)
{
    int64_t        events = 0;
    enum trail_err err = store_select(store, "SELECT coalesce(sum(event_count), 0) FROM audit_batches", NULL, 0,
                                      take_number, &events, ret_error);
    simulation_weigh(simulation, store_bytes(store), events > 0 ? (uint64_t)events : 0);
    return err;
}
