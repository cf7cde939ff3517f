/* tail_store.c -- the store as a tail sees it: how far each writer is, and the events that no spool had.
 *
 * The happy path is: one SELECT that says that nothing was stored since.
 *
 * Otherwise the writers are read again. Whoever the store has further on than we showed is read batch by batch: the
 * ledger says which span of time a batch covers, the time index then where its events are. The numbers in a batch that
 * no event has are dead letters, or are covered by the `events_lost` record in front of them, or are a gap.
 */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/text.h"
#include "event/control.h"
#include "query/query_row.h"
#include "query/tail_state.h"
#include "store/backend.h"

/* A reader waits for no lock in WAL mode, but for the moments of opening and recovering. */
#define STORE_LOOK_WAIT_MS 100

/* A store that is away is asked again so often: cheap, and nobody waits long for it. */
#define STORE_RETRY_US (500 * 1000)

/* Dead letters of one gap that are told one by one in one look. */
#define DEAD_LETTERS_MAX 64

/* Two numbers that are others once anything was stored. In SQLite batches commit one after the other, in the order of
 * their ids. In PostgreSQL they do not: there each moves its writer on. */
static const char *const newest_sql[] = {
    [STORE_DIALECT_SQLITE] = "SELECT id, recorded_at FROM audit_batches ORDER BY id DESC LIMIT 1",
    [STORE_DIALECT_POSTGRESQL] = "SELECT coalesce(sum(last_seq), 0), count(*) FROM audit_writers",
};

static const char writers_sql[] = "SELECT uuid, id, last_seq, started_at, service, pid FROM audit_writers";

static const char batch_sql[] = "SELECT first_seq, last_seq, min_timestamp, max_timestamp FROM audit_batches "
                                "WHERE writer = ? AND last_seq >= ? ORDER BY last_seq LIMIT 1";

static const char dead_sql[] = "SELECT seq, error FROM audit_dead_letters "
                               "WHERE writer = ? AND seq >= ? AND seq <= ? ORDER BY seq LIMIT 64";

_Static_assert(DEAD_LETTERS_MAX == 64, "as the statement says");

/* ---- Connection ---- */

enum trail_err tail_store_lost(struct tail *tail, const char *why)
{
    store_close(tail->store);
    tail->store = NULL;
    tail->ledger_id = tail->ledger_at = 0;
    tail->retry_at_us = clock_mono_us(&clock_system) + STORE_RETRY_US;
    if (tail->away_told)
        return TRAIL_OK;
    tail->away_told = true;
    struct trail_text      copy = arena_copy(&tail->arena, (struct trail_text){ why, strlen(why) + 1 });
    const struct tail_item item = { .kind = TAIL_STORE_AWAY, .text = copy.data != NULL ? copy.data : "" };
    return tail_add(tail, NULL, &item);
}

enum trail_err tail_store_connect(struct tail *tail, struct trail_error *ret_error)
{
    const struct store_open_options options = { .read_only = true, .wait_ms = STORE_LOOK_WAIT_MS };
    struct trail_error              error = { 0 };

    if (tail->store != NULL || clock_mono_us(&clock_system) < tail->retry_at_us)
        return TRAIL_OK;
    enum trail_err err = store_open_with(&tail->store, tail->database_url, &options, &error);
    if (err == TRAIL_EAWAY)
        return tail_store_lost(tail, error.message);
    if (err != TRAIL_OK)
        return error_set(ret_error, err, error.sys_errno, "%s", error.message);

    if (tail->identities == 0 || !uuid_equal(&tail->store_uuid, store_identity(tail->store)))
        tail->identities++;
    tail->store_uuid = *store_identity(tail->store);
    query_sql_speak(&tail->sql, store_dialect(tail->store));
    if (!tail->away_told)
        return TRAIL_OK;
    tail->away_told = false;
    const struct tail_item item = { .kind = TAIL_STORE_BACK };
    return tail_add(tail, NULL, &item);
}

/* Run one SELECT; a store that fails is lost, for now, and that is no error. */
static enum trail_err ask(struct tail *tail, const char *sql, const struct store_value *parameters, size_t count,
                          store_row_fn on_row, void *context)
{
    struct trail_error error = { 0 };
    enum trail_err     err = store_select(tail->store, sql, parameters, count, on_row, context, &error);
    if (err == TRAIL_OK || err == TRAIL_ENOMEM)
        return err;
    return tail_store_lost(tail, error.message);
}

/* ---- How far each writer is ---- */

struct newest {
    int64_t id;
    int64_t at;
};

static bool take_newest(void *context, const struct store_value *columns, size_t column_count)
{
    struct newest *newest = context;
    if (column_count == 2)
        *newest = (struct newest){ columns[0].integer, columns[1].integer };
    return false;
}

struct scan {
    struct tail *tail;
    bool         out_of_memory;
};

/* Where a writer begins that no spool has shown us. One that was there before we could look at the store is history;
 * one that started after us is new, whenever we come to see it. */
static uint64_t beginning_of(const struct tail *tail, uint64_t last_seq, int64_t started_us)
{
    return tail->joined || started_us >= tail->opened_us ? 1 : last_seq + 1;
}

static bool take_writer(void *context, const struct store_value *columns, size_t column_count)
{
    struct scan *scan = context;
    struct uuid  uuid;

    if (column_count != 6 || columns[0].text.size != sizeof uuid.bytes)
        return true;
    memcpy(uuid.bytes, columns[0].text.data, sizeof uuid.bytes);
    uint64_t            last_seq = (uint64_t)columns[2].integer;
    struct tail_writer *writer = tail_writer_find(scan->tail, &uuid);
    if (writer == NULL)
        writer = tail_writer_add(scan->tail, &uuid, 0);
    if (writer == NULL) {
        scan->out_of_memory = true;
        return false;
    }
    if (writer->next == 0)
        writer->next = beginning_of(scan->tail, last_seq, columns[3].integer);
    writer->store_id = columns[1].integer;
    writer->store_last = last_seq;
    size_t size = columns[4].text.size < sizeof writer->service ? columns[4].text.size : sizeof writer->service - 1;
    if (size > 0)
        memcpy(writer->service, columns[4].text.data, size);
    writer->service[size] = '\0';
    writer->pid = columns[5].integer;
    return true;
}

enum trail_err tail_store_scan(struct tail *tail, struct trail_error *ret_error)
{
    struct newest newest = { 0 };
    struct scan   scan = { .tail = tail };

    if (tail->store == NULL)
        return TRAIL_OK;
    enum trail_err err = ask(tail, newest_sql[store_dialect(tail->store)], NULL, 0, take_newest, &newest);
    if (err != TRAIL_OK || tail->store == NULL)
        return err;
    if (tail->joined && newest.id == tail->ledger_id && newest.at == tail->ledger_at)
        return TRAIL_OK;
    err = ask(tail, writers_sql, NULL, 0, take_writer, &scan);
    if (err == TRAIL_OK && scan.out_of_memory)
        err = error_set(ret_error, TRAIL_ENOMEM, 0, "no memory for the writers of the store");
    if (err != TRAIL_OK || tail->store == NULL)
        return err;
    tail->joined = true;
    tail->ledger_id = newest.id;
    tail->ledger_at = newest.at;
    return TRAIL_OK;
}

/* ---- One batch ---- */

struct trail_stored_event *tail_store_keep(struct tail *tail, const struct trail_stored_event *event)
{
    struct trail_stored_event *kept = arena_take(&tail->arena, sizeof *kept);
    if (kept == NULL)
        return NULL;
    *kept = *event;
    bool failed = false;
    for (size_t i = 0; i < EVENT_FIELD_COUNT; i++) {
        struct trail_text *text = event_text_at(&kept->event, (enum event_field)i);
        struct trail_text  copy = arena_copy(&tail->arena, *text);
        failed |= copy.size != text->size;
        *text = copy;
    }
    kept->service = arena_copy(&tail->arena, event->service);
    return failed || kept->service.size != event->service.size ? NULL : kept;
}

struct dead_letter {
    uint64_t          seq;
    struct trail_text error;
};

/* What is read of one writer's batch before any of it is shown: statements do not nest. */
struct batch_view {
    struct tail               *tail;
    bool                       found;
    struct query_range         range;
    struct trail_stored_event *events[TAIL_TAKE_MAX];
    size_t                     event_count;
    struct dead_letter         dead[DEAD_LETTERS_MAX];
    size_t                     dead_count;
    bool                       out_of_memory;
};

static bool take_batch(void *context, const struct store_value *columns, size_t column_count)
{
    struct batch_view *view = context;
    if (column_count != 4)
        return false;
    view->found = true;
    view->range.first_seq = columns[0].integer;
    view->range.last_seq = columns[1].integer;
    view->range.min_timestamp_us = columns[2].integer;
    view->range.max_timestamp_us = columns[3].kind == STORE_INTEGER ? columns[3].integer : -1; /* No event in it. */
    return false;
}

static bool take_event(void *context, const struct store_value *columns, size_t column_count)
{
    struct batch_view        *view = context;
    struct trail_stored_event event;
    struct query_position     position;

    query_row_read(columns, column_count, &event, &position);
    view->events[view->event_count] = tail_store_keep(view->tail, &event);
    view->out_of_memory = view->events[view->event_count] == NULL;
    return !view->out_of_memory && ++view->event_count < TAIL_TAKE_MAX;
}

static bool take_dead_letter(void *context, const struct store_value *columns, size_t column_count)
{
    struct batch_view *view = context;
    if (column_count != 2 || view->dead_count == DEAD_LETTERS_MAX)
        return false;
    struct trail_text text = { columns[1].text.data, columns[1].text.size };
    struct buf        why;
    buf_init(&why, NULL, 0);
    buf_append_text(&why, text);
    buf_append(&why, "", 1);
    view->dead[view->dead_count] =
        (struct dead_letter){ (uint64_t)columns[0].integer, arena_copy(&view->tail->arena, buf_text(&why)) };
    view->out_of_memory = view->dead[view->dead_count].error.data == NULL;
    buf_done(&why);
    return !view->out_of_memory && ++view->dead_count < DEAD_LETTERS_MAX;
}

static enum trail_err add_gap(struct tail *tail, struct tail_writer *writer, uint64_t last)
{
    if (writer->next > last)
        return TRAIL_OK;
    const struct tail_item item = { .kind = TAIL_GAP, .first = writer->next, .last = last };
    writer->next = last + 1;
    return tail_add(tail, writer, &item);
}

/* The store stands behind `last` and has no event next .. last: account for them. *ret_done: all of them. */
static enum trail_err account_missing(struct batch_view *view, struct tail_writer *writer, uint64_t last,
                                      bool *ret_done)
{
    struct tail             *tail = view->tail;
    const struct store_value parameters[] = {
        { .kind = STORE_INTEGER, .integer = writer->store_id },
        { .kind = STORE_INTEGER, .integer = (int64_t)writer->next },
        { .kind = STORE_INTEGER, .integer = (int64_t)last },
    };

    *ret_done = false;
    view->dead_count = 0;
    enum trail_err err = ask(tail, dead_sql, parameters, 3, take_dead_letter, view);
    if (err == TRAIL_OK && view->out_of_memory)
        err = TRAIL_ENOMEM;
    if (err != TRAIL_OK || tail->store == NULL)
        return err;
    for (size_t i = 0; i < view->dead_count && err == TRAIL_OK; i++) {
        uint64_t seq = view->dead[i].seq;
        if ((err = add_gap(tail, writer, seq - 1)) != TRAIL_OK)
            break;
        const struct tail_item item = {
            .kind = TAIL_DEAD_LETTER, .first = seq, .last = seq, .text = view->dead[i].error.data
        };
        writer->next = seq + 1;
        err = tail_add(tail, writer, &item);
    }
    *ret_done = view->dead_count < DEAD_LETTERS_MAX;
    return err == TRAIL_OK && *ret_done ? add_gap(tail, writer, last) : err;
}

/* The number behind which an `events_lost` record accounts for none: its own last_seq, or its own number. */
static uint64_t last_covered(const struct trail_stored_event *event)
{
    struct json_reader reader;
    struct trail_text  value;
    uint64_t           last = event->seq;

    if ((event->flags & TRAIL_FLAG_CONTROL) == 0 || !text_equal(event->event.action, trail_str(CONTROL_EVENTS_LOST)))
        return last;
    json_start(&reader, event->event.context);
    enum json_token token = json_next(&reader);
    while (token != JSON_ERROR && token != JSON_END) {
        bool wanted = token == JSON_KEY && reader.depth == 1 && text_equal(reader.span, TRAIL_TEXT("\"last_seq\""));
        token = json_next(&reader);
        if (!wanted || token != JSON_NUMBER)
            continue;
        value = reader.span;
        last = 0;
        for (size_t i = 0; i < value.size && value.data[i] >= '0' && value.data[i] <= '9' && i < 18; i++)
            last = last * 10 + (uint64_t)(value.data[i] - '0');
    }
    return last > event->seq ? last : event->seq;
}

/* Show what was read of the batch, in order, up to `end`. */
static enum trail_err show(struct batch_view *view, struct tail_writer *writer, uint64_t end)
{
    enum trail_err err = TRAIL_OK;
    bool           done = true;
    for (size_t i = 0; i < view->event_count && err == TRAIL_OK && done; i++) {
        const struct trail_stored_event *event = view->events[i];
        if (event->seq > writer->next)
            err = account_missing(view, writer, event->seq - 1, &done);
        if (err != TRAIL_OK || !done)
            break;
        uint64_t covered = last_covered(event);
        writer->next = (covered < end ? covered : end) + 1;
        err = tail_add_event(view->tail, writer, event);
    }
    if (err == TRAIL_OK && done && writer->next <= end)
        err = account_missing(view, writer, end, &done);
    return err;
}

/* Read on in the batch that has the writer's next number, and show that. */
static enum trail_err take_writer_events(struct batch_view *view, struct tail_writer *writer)
{
    struct tail             *tail = view->tail;
    const struct store_value parameters[] = {
        { .kind = STORE_INTEGER, .integer = writer->store_id },
        { .kind = STORE_INTEGER, .integer = (int64_t)writer->next },
    };

    view->found = false;
    view->event_count = 0;
    enum trail_err err = ask(tail, batch_sql, parameters, 2, take_batch, view);
    if (err != TRAIL_OK || tail->store == NULL)
        return err;
    /* The ledger's old rows are cleaned up, with the events they tell of. */
    if (!view->found)
        return add_gap(tail, writer, writer->store_last);
    if (view->range.first_seq > (int64_t)writer->next)
        return add_gap(tail, writer, (uint64_t)view->range.first_seq - 1);

    view->range.writer = writer->store_id;
    view->range.first_seq = (int64_t)writer->next;
    query_sql_range(&tail->sql, &view->range, TAIL_TAKE_MAX);
    if (buf_failed(&tail->sql.text))
        return TRAIL_ENOMEM;
    err = ask(tail, tail->sql.text.data, tail->sql.parameters, tail->sql.parameter_count, take_event, view);
    if (err == TRAIL_OK && view->out_of_memory)
        err = TRAIL_ENOMEM;
    if (err != TRAIL_OK || tail->store == NULL)
        return err;
    bool     all = view->event_count < TAIL_TAKE_MAX;
    uint64_t end = all ? (uint64_t)view->range.last_seq : view->events[view->event_count - 1]->seq;
    return show(view, writer, end);
}

enum trail_err tail_store_take(struct tail *tail, struct trail_error *ret_error)
{
    struct batch_view view = { .tail = tail };
    enum trail_err    err = TRAIL_OK;

    for (size_t i = 0; i < tail->writer_count && tail->store != NULL && err == TRAIL_OK; i++) {
        struct tail_writer *writer = tail->writers[i];
        if (writer->next == 0 || writer->store_last < writer->next)
            continue;
        err = take_writer_events(&view, writer);
        /* There may be another batch, and what the spool has behind it. */
        tail->more = true;
    }
    return err == TRAIL_OK ? TRAIL_OK : error_set(ret_error, err, 0, "no memory for events of the store");
}
