/* tail.c -- follows every writer's events as they are recorded.
 *
 * The happy path of a look is:
 *
 * - The spools are listed; a new one begins with its first event.
 * - Every spool is read to its end.
 * - The ledger has not moved since the last look: the store has nothing that was not seen.
 *
 * The order of the two is what makes it complete: what a spool no longer had when it was read was committed before, so
 * the store, which is read afterwards, has it.
 */
#include "query/tail.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "query/tail_state.h"
#include "spool/destination.h"

/* ---- Items ---- */

void tail_forget(struct tail *tail)
{
    for (size_t i = 0; i < tail->payload_count; i++)
        free(tail->payloads[i]);
    free(tail->payloads);
    tail->payloads = NULL;
    tail->payload_count = 0;
    tail->item_count = 0;
    tail->more = false;
    arena_clear(&tail->arena);
    for (size_t i = 0; i < tail->writer_count; i++)
        tail->writers[i]->order_us = INT64_MIN;
}

enum trail_err tail_add(struct tail *tail, struct tail_writer *writer, const struct tail_item *item)
{
    if (tail->item_count == tail->item_capacity) {
        size_t            capacity = tail->item_capacity == 0 ? 256 : tail->item_capacity * 2;
        struct tail_item *items = realloc(tail->items, capacity * sizeof *items);
        if (items == NULL)
            return TRAIL_ENOMEM;
        tail->items = items;
        tail->item_capacity = capacity;
    }
    struct tail_item *added = &tail->items[tail->item_count++];
    *added = *item;
    if (writer == NULL)
        return TRAIL_OK;
    /* An event whose clock stands before that of the one in front of it keeps its place behind it. */
    if (item->event != NULL && item->event->event.timestamp_us > writer->order_us)
        writer->order_us = item->event->event.timestamp_us;
    added->order_us = writer->order_us;
    added->writer = &writer->uuid;
    added->service = writer->service;
    added->pid = writer->pid;
    return TRAIL_OK;
}

enum trail_err tail_add_event(struct tail *tail, struct tail_writer *writer, const struct trail_stored_event *event)
{
    if (!filter_match_takes(&tail->match, &event->event))
        return TRAIL_OK;
    struct trail_stored_event *copy = arena_take(&tail->arena, sizeof *copy);
    if (copy == NULL)
        return TRAIL_ENOMEM;
    *copy = *event;
    const struct tail_item item = { .kind = TAIL_EVENT, .event = copy, .first = event->seq, .last = event->seq };
    return tail_add(tail, writer, &item);
}

/* What is about the store comes first; then by time, and along each writer by number. */
static int compare_items(const void *a, const void *b)
{
    const struct tail_item *left = a;
    const struct tail_item *right = b;
    if (left->writer == NULL || right->writer == NULL)
        return (left->writer != NULL) - (right->writer != NULL);
    if (left->order_us != right->order_us)
        return left->order_us < right->order_us ? -1 : 1;
    int by_writer = memcmp(left->writer->bytes, right->writer->bytes, sizeof left->writer->bytes);
    if (by_writer != 0)
        return by_writer;
    return left->first < right->first ? -1 : left->first > right->first;
}

void tail_sort(struct tail *tail)
{
    if (tail->item_count > 1)
        qsort(tail->items, tail->item_count, sizeof *tail->items, compare_items);
}

const struct tail_item *tail_items(const struct tail *tail, size_t *ret_count)
{
    *ret_count = tail->item_count;
    return tail->items;
}

/* ---- Opening ---- */

static char *copy_string(const char *text)
{
    return text != NULL ? strdup(text) : NULL;
}

enum trail_err tail_open(struct tail **ret_tail, const struct tail_options *options, struct trail_error *ret_error)
{
    struct tail *tail = calloc(1, sizeof *tail);
    if (tail == NULL)
        return error_set(ret_error, TRAIL_ENOMEM, 0, "no memory for a tail");
    tail->opened_us = clock_wall_us(&clock_system);
    tail->database_url = copy_string(options->database_url);
    tail->spool_dir = copy_string(options->spool_dir);

    tail->filter = *options->filter;
    tail->filter.oldest_first = false;

    enum trail_err err = query_sql_init(&tail->sql, &tail->filter, ret_error);
    if (err == TRAIL_OK)
        err = filter_match_init(&tail->match, &tail->filter, ret_error);
    if (err == TRAIL_OK && (tail->database_url == NULL || (options->spool_dir != NULL && tail->spool_dir == NULL)))
        err = error_set(ret_error, TRAIL_ENOMEM, 0, "no memory for a tail");
    if (err == TRAIL_OK && (err = destination_of_url(tail->database_url, &tail->url_hash)) != TRAIL_OK)
        (void)error_set(ret_error, err, 0, "no memory for a tail");
    if (err == TRAIL_OK)
        err = tail_store_connect(tail, ret_error);
    if (err != TRAIL_OK) {
        tail_close(tail);
        return err;
    }
    *ret_tail = tail;
    return TRAIL_OK;
}

void tail_close(struct tail *tail)
{
    if (tail == NULL)
        return;
    tail_forget(tail);
    tail_writers_done(tail);
    store_close(tail->store);
    query_sql_done(&tail->sql);
    filter_match_done(&tail->match);
    arena_done(&tail->arena);
    free(tail->items);
    free(tail->database_url);
    free(tail->spool_dir);
    free(tail);
}

bool tail_sees_store(const struct tail *tail)
{
    return tail->store != NULL;
}

/* ---- Looking ---- */

enum trail_err tail_start(struct tail *tail, size_t count, bool follow, struct trail_error *ret_error)
{
    assert(count <= TAIL_HISTORY_MAX);
    return tail_history(tail, count, follow, ret_error);
}

/* Tell, once, that a writer waits for the store's word. What the store stands behind is on its way. */
static enum trail_err tell_held(struct tail *tail, struct tail_writer *writer)
{
    if (writer->held_last == 0 || writer->held_last < writer->next || writer->held_told ||
        writer->held_last <= writer->store_last)
        return TRAIL_OK;
    writer->held_told = true;
    const struct tail_item item = { .kind = TAIL_HELD, .first = writer->next, .last = writer->held_last };
    return tail_add(tail, writer, &item);
}

static enum trail_err look(struct tail *tail, struct trail_error *ret_error)
{
    enum trail_err err = tail_spool_list(tail, true);
    for (size_t i = 0; i < tail->writer_count && err == TRAIL_OK; i++) {
        if (tail->writers[i]->follow != NULL)
            err = tail_spool_take(tail, tail->writers[i]);
    }
    if (err == TRAIL_OK)
        err = tail_store_scan(tail, ret_error);
    if (err == TRAIL_OK)
        err = tail_store_take(tail, ret_error);
    for (size_t i = 0; i < tail->writer_count && err == TRAIL_OK; i++)
        err = tell_held(tail, tail->writers[i]);
    return err;
}

enum trail_err tail_look(struct tail *tail, bool *ret_more, struct trail_error *ret_error)
{
    tail_forget(tail);
    tail_spool_release(tail);

    /* An error that will not pass once there was a tail is one of a store that was put in the place of ours. */
    struct trail_error error = { 0 };
    enum trail_err     err = tail_store_connect(tail, &error);
    if (err != TRAIL_OK && err != TRAIL_ENOMEM)
        err = tail_store_lost(tail, error.message);
    if (err == TRAIL_OK)
        err = look(tail, ret_error);
    if (err != TRAIL_OK)
        return error_set(ret_error, err, 0, "no memory for what is new");
    tail_sort(tail);
    *ret_more = tail->more;
    return TRAIL_OK;
}

/* ---- Saving ---- */

void tail_save(const struct tail *tail, struct buf *out)
{
    const char *comma = "";
    char        name[UUID_TEXT_SIZE];
    for (size_t i = 0; i < tail->writer_count; i++) {
        if (tail->writers[i]->next == 0)
            continue;
        uuid_format(&tail->writers[i]->uuid, name);
        buf_printf(out, "%s%s=%" PRIu64, comma, name, tail->writers[i]->next);
        comma = ",";
    }
}

/* "<uuid>=<seq>" */
static bool parse_position(struct trail_text item, struct uuid *ret_uuid, uint64_t *ret_next)
{
    const size_t name_size = UUID_TEXT_SIZE - 1;
    if (item.size < name_size + 2 || item.data[name_size] != '=' ||
        !uuid_parse(text_of(item.data, name_size), ret_uuid))
        return false;
    uint64_t next = 0;
    for (size_t i = name_size + 1; i < item.size; i++) {
        if (item.data[i] < '0' || item.data[i] > '9' || next > FRAME_SEQ_MAX / 10)
            return false;
        next = next * 10 + (uint64_t)(item.data[i] - '0');
    }
    *ret_next = next;
    return next > 0;
}

enum trail_err tail_resume(struct tail *tail, struct trail_text saved, struct trail_error *ret_error)
{
    struct trail_text item;
    tail_forget(tail);
    tail->away_told = false; /* What was to be told of it is forgotten. */
    tail->joined = true;     /* Who is not in the text came later. */
    while (text_next_item(&saved, &item)) {
        struct uuid uuid;
        uint64_t    next;
        if (!parse_position(item, &uuid, &next))
            return error_set(ret_error, TRAIL_EINVAL, 0, "\"%.*s\" is not the position of a tail",
                             item.size > 80 ? 80 : (int)item.size, item.data);
        struct tail_writer *writer = tail_writer_find(tail, &uuid);
        if (writer == NULL)
            writer = tail_writer_add(tail, &uuid, next);
        if (writer == NULL)
            return error_set(ret_error, TRAIL_ENOMEM, 0, "no memory for the position of a tail");
        writer->next = next;
    }
    return TRAIL_OK;
}
