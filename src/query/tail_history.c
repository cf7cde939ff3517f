/* tail_history.c -- the newest events of spools and store together, before a tail's first look.
 *
 * The spools are read first, the writers' last_seq second, and the store's events last. Of each writer the store then
 * answers for everything up to that last_seq and the spool for the rest, so no event is shown twice and, as nothing is
 * unlinked before it is committed, none is left out.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "query/query_row.h"
#include "query/tail_state.h"
#include "query/windows.h"

/* A spool's event that may be among the newest. */
struct candidate {
    struct tail_writer *writer;
    struct frame        frame; /* Its payload is our copy. */
    int64_t             timestamp_us;
};

/* The newest of them, at most twice as many as are wanted. */
struct candidates {
    struct candidate *list;
    size_t            count;
    size_t            wanted;
};

/* The newest first. */
static int compare_candidates(const void *a, const void *b)
{
    const struct candidate *left = a;
    const struct candidate *right = b;
    if (left->timestamp_us != right->timestamp_us)
        return left->timestamp_us > right->timestamp_us ? -1 : 1;
    int by_writer = memcmp(right->writer->uuid.bytes, left->writer->uuid.bytes, sizeof left->writer->uuid.bytes);
    if (by_writer != 0)
        return by_writer;
    return left->frame.seq > right->frame.seq ? -1 : left->frame.seq < right->frame.seq;
}

static void keep_newest(struct candidates *candidates)
{
    qsort(candidates->list, candidates->count, sizeof *candidates->list, compare_candidates);
    while (candidates->count > candidates->wanted)
        free((char *)(uintptr_t)candidates->list[--candidates->count].frame.payload.data);
}

static enum trail_err add_candidate(struct candidates *candidates, struct tail_writer *writer,
                                    const struct frame *frame, int64_t timestamp_us)
{
    if (candidates->wanted == 0)
        return TRAIL_OK;
    char *copy = malloc(frame->payload.size + 1);
    if (copy == NULL)
        return TRAIL_ENOMEM;
    memcpy(copy, frame->payload.data, frame->payload.size);
    struct candidate *added = &candidates->list[candidates->count++];
    *added = (struct candidate){ .writer = writer, .frame = *frame, .timestamp_us = timestamp_us };
    added->frame.payload.data = copy;
    if (candidates->count == 2 * candidates->wanted)
        keep_newest(candidates);
    return TRAIL_OK;
}

/* Read a spool to its end; with `follow` not beyond what it lacks. */
static enum trail_err read_spool(struct tail *tail, struct candidates *candidates, struct tail_writer *writer,
                                 bool follow)
{
    struct frame              frame;
    struct reader_gap         gap;
    struct trail_stored_event event;
    enum reader_result        result;
    enum trail_err            err = TRAIL_OK;

    while (err == TRAIL_OK && (result = follow_next(writer->follow, &frame, &gap)) != READER_END) {
        bool decoded = result == READER_EVENT && tail_spool_event(writer, &frame, &event);
        if (!decoded && follow) {
            writer->held_last = result == READER_EVENT ? frame.seq : gap.last;
            return TRAIL_OK;
        }
        writer->next = (result == READER_EVENT ? frame.seq : gap.last) + 1;
        if (decoded && filter_match_takes(&tail->match, &event.event))
            err = add_candidate(candidates, writer, &frame, event.event.timestamp_us);
        follow_release(writer->follow);
    }
    return err;
}

/* The store has this much of what was read from the spools: leave that to it. */
static enum trail_err show_candidates(struct tail *tail, struct candidates *candidates)
{
    enum trail_err err = TRAIL_OK;
    keep_newest(candidates);
    tail->payloads = calloc(candidates->count + 1, sizeof(char *));
    if (tail->payloads == NULL)
        return TRAIL_ENOMEM;
    for (size_t i = 0; i < candidates->count && err == TRAIL_OK; i++) {
        const struct candidate   *candidate = &candidates->list[i];
        struct trail_stored_event event;
        if (candidate->frame.seq > candidate->writer->store_last &&
            tail_spool_event(candidate->writer, &candidate->frame, &event))
            err = tail_add_event(tail, candidate->writer, &event);
    }
    for (size_t i = 0; i < candidates->count; i++)
        tail->payloads[i] = (char *)(uintptr_t)candidates->list[i].frame.payload.data;
    tail->payload_count = candidates->count;
    candidates->count = 0;
    return err;
}

/* ---- The store ---- */

struct store_page {
    struct tail          *tail;
    size_t                wanted; /* How many more. */
    size_t                rows;
    bool                  started;
    struct query_position position;
    struct tail_writer   *writer; /* Of the row before: mostly the same again. */
    enum trail_err        err;
};

static struct tail_writer *writer_of(struct store_page *page, int64_t store_id)
{
    const struct tail *tail = page->tail;
    for (size_t i = 0; (page->writer == NULL || page->writer->store_id != store_id) && i < tail->writer_count; i++)
        page->writer = tail->writers[i];
    return page->writer != NULL && page->writer->store_id == store_id ? page->writer : NULL;
}

static bool take_row(void *context, const struct store_value *columns, size_t column_count)
{
    struct store_page        *page = context;
    struct trail_stored_event event;

    query_row_read(columns, column_count, &event, &page->position);
    page->started = true;
    page->rows++;
    struct tail_writer *writer = writer_of(page, page->position.writer);
    if (writer == NULL || event.seq > writer->store_last || !filter_match_takes(&page->tail->match, &event.event))
        return true; /* It was stored since the writers were read: the spool showed it, or a look will. */
    const struct trail_stored_event *kept = tail_store_keep(page->tail, &event);
    page->err = kept != NULL ? tail_add_event(page->tail, writer, kept) : TRAIL_ENOMEM;
    return page->err == TRAIL_OK && --page->wanted > 0;
}

static bool count_row(void *context, const struct store_value *columns, size_t column_count)
{
    (void)columns;
    (void)column_count;
    (*(size_t *)context)++;
    return true;
}

/* What a store that failed leaves to do. */
static enum trail_err lost(struct tail *tail, enum trail_err err, const struct trail_error *error)
{
    return err == TRAIL_OK || err == TRAIL_ENOMEM ? err : tail_store_lost(tail, error->message);
}

static enum trail_err ask(struct tail *tail, bool by_index, store_row_fn on_row, void *context)
{
    struct trail_error error = { 0 };
    if (buf_failed(&tail->sql.text))
        return TRAIL_ENOMEM;
    const struct store_query query = {
        .sql = tail->sql.text.data,
        .parameters = tail->sql.parameters,
        .parameter_count = tail->sql.parameter_count,
        .on_row = on_row,
        .context = context,
        .by_index = by_index,
    };
    return lost(tail, store_run_query(tail->store, &query, &error), &error);
}

static enum trail_err choose_drive(struct tail *tail, enum query_drive *ret_drive)
{
    size_t drivers = 0;
    if (!query_sql_drive(&tail->filter, ret_drive))
        return TRAIL_OK;
    query_sql_drivers(&tail->sql, *ret_drive);
    enum trail_err err = ask(tail, true, count_row, &drivers);
    if (drivers > QUERY_DRIVERS_MAX)
        *ret_drive = QUERY_BY_TIME;
    return err;
}

/* The page was the last of its window: go on to the next. *ret_end: there is none. */
static enum trail_err next_window(struct tail *tail, struct windows *windows, bool *ret_end)
{
    struct trail_error error = { 0 };
    *ret_end = windows->last;
    if (windows->last)
        return TRAIL_OK;
    enum trail_err err = windows_find_oldest(windows, false, &tail->sql, tail->store, &error);
    *ret_end = err != TRAIL_OK;
    if (err == TRAIL_OK)
        windows_advance(windows);
    return lost(tail, err, &error);
}

/* The newest `wanted` events that the filter takes, of those that the writers' last_seq covers. */
static enum trail_err show_stored(struct tail *tail, size_t wanted)
{
    struct store_page page = { .tail = tail, .wanted = wanted };
    enum query_drive  drive;
    struct windows    windows;
    bool              end = false;
    enum trail_err    err = choose_drive(tail, &drive);

    windows_init(&windows, &tail->filter, tail->sql.dialect, drive, clock_wall_us(&clock_system));
    windows_start(&windows, NULL);
    while (err == TRAIL_OK && tail->store != NULL && page.wanted > 0 && !end) {
        struct query_position after = page.position;
        page.rows = 0;
        tail->sql.window = windows.window;
        query_sql_page(&tail->sql, drive, page.started ? &after : NULL, QUERY_PAGE_ROWS);
        err = ask(tail, drive != QUERY_BY_TIME, take_row, &page);
        if (err == TRAIL_OK)
            err = page.err;
        if (err == TRAIL_OK && tail->store != NULL && page.wanted > 0 && page.rows < QUERY_PAGE_ROWS)
            err = next_window(tail, &windows, &end);
    }
    return err;
}

/* ---- Together ---- */

/* By time, the oldest first. */
static int compare_by_time(const void *a, const void *b)
{
    const struct tail_item *left = a;
    const struct tail_item *right = b;
    if (left->event == NULL || right->event == NULL)
        return (left->event != NULL) - (right->event != NULL);
    int64_t left_us = left->event->event.timestamp_us;
    int64_t right_us = right->event->event.timestamp_us;
    if (left_us != right_us)
        return left_us < right_us ? -1 : 1;
    int by_writer = memcmp(left->writer->bytes, right->writer->bytes, sizeof left->writer->bytes);
    if (by_writer != 0)
        return by_writer;
    return left->first < right->first ? -1 : left->first > right->first;
}

/* Sort, and leave out what is too much: the oldest events. What is about the store stands in front. */
static void cut(struct tail *tail, size_t count)
{
    size_t notes = 0;
    if (tail->item_count > 1)
        qsort(tail->items, tail->item_count, sizeof *tail->items, compare_by_time);
    while (notes < tail->item_count && tail->items[notes].event == NULL)
        notes++;
    size_t events = tail->item_count - notes;
    if (events <= count)
        return;
    memmove(tail->items + notes, tail->items + notes + (events - count), count * sizeof *tail->items);
    tail->item_count = notes + count;
}

/* By writer, and along each by number. */
static int compare_by_seq(const void *a, const void *b)
{
    const struct tail_item *left = a;
    const struct tail_item *right = b;
    if (left->event == NULL || right->event == NULL)
        return (left->event != NULL) - (right->event != NULL);
    int by_writer = memcmp(left->writer->bytes, right->writer->bytes, sizeof left->writer->bytes);
    if (by_writer != 0)
        return by_writer;
    return left->first < right->first ? -1 : left->first > right->first;
}

/* What goes on by number begins by number: put the newest events in the order that looks have. */
static void arrange(struct tail *tail)
{
    if (tail->item_count < 2)
        return;
    qsort(tail->items, tail->item_count, sizeof *tail->items, compare_by_seq);
    for (size_t i = 0; i < tail->item_count; i++) {
        struct tail_item *item = &tail->items[i];
        if (item->event == NULL)
            continue;
        bool follows = i > 0 && item[-1].event != NULL && uuid_equal(item[-1].writer, item->writer);
        item->order_us = item->event->event.timestamp_us;
        if (follows && item[-1].order_us > item->order_us)
            item->order_us = item[-1].order_us;
    }
    tail_sort(tail);
}

static enum trail_err gather(struct tail *tail, struct candidates *candidates, bool follow,
                             struct trail_error *ret_error)
{
    enum trail_err err = tail_spool_list(tail, false);
    for (size_t i = 0; i < tail->writer_count && err == TRAIL_OK; i++) {
        if (tail->writers[i]->follow != NULL)
            err = read_spool(tail, candidates, tail->writers[i], follow);
    }
    if (err == TRAIL_OK)
        err = tail_store_scan(tail, ret_error);
    for (size_t i = 0; i < tail->writer_count; i++) {
        struct tail_writer *writer = tail->writers[i];
        if (writer->next > 0 && writer->next <= writer->store_last)
            writer->next = writer->store_last + 1;
    }
    if (err == TRAIL_OK)
        err = show_candidates(tail, candidates);
    if (err == TRAIL_OK && tail->store != NULL && candidates->wanted > 0)
        err = show_stored(tail, candidates->wanted);
    return err;
}

enum trail_err tail_history(struct tail *tail, size_t count, bool follow, struct trail_error *ret_error)
{
    struct candidates candidates = { .wanted = count };
    assert(tail->writer_count == 0);

    candidates.list = calloc(2 * count + 1, sizeof *candidates.list);
    enum trail_err err = candidates.list != NULL ? gather(tail, &candidates, follow, ret_error) : TRAIL_ENOMEM;
    for (size_t i = 0; i < candidates.count; i++)
        free((char *)(uintptr_t)candidates.list[i].frame.payload.data);
    free(candidates.list);
    if (err != TRAIL_OK)
        return error_set(ret_error, err, 0, "no memory for the newest events");
    cut(tail, count);
    if (follow)
        arrange(tail);
    return TRAIL_OK;
}
