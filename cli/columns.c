/* columns.c -- a stored event as named cells. */
#include "cli/columns.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "event/control.h"
#include "event/event.h"
#include "event/operation.h"

typedef void (*cell_fn)(const struct trail_stored_event *event, struct buf *out);

struct column {
    const char      *name;
    cell_fn          append; /* NULL: the text of `field`. */
    enum event_field field;
};

static void append_id(const struct trail_stored_event *event, struct buf *out)
{
    buf_append_string(out, event->id.text);
}

static void append_timestamp(const struct trail_stored_event *event, struct buf *out)
{
    char text[CLOCK_TEXT_SIZE];
    clock_format(event->event.timestamp_us, text);
    buf_append_string(out, text);
}

static void append_operation(const struct trail_stored_event *event, struct buf *out)
{
    const char *name = operation_name(event->event.operation);
    buf_append_string(out, name != NULL ? name : "");
}

static void append_outcome(const struct trail_stored_event *event, struct buf *out)
{
    const char *name = outcome_name(event->event.outcome);
    buf_append_string(out, name != NULL ? name : "");
}

static void append_success(const struct trail_stored_event *event, struct buf *out)
{
    buf_append_string(out, event->event.outcome == TRAIL_OUTCOME_SUCCESS ? "true" : "false");
}

static void append_classification(const struct trail_stored_event *event, struct buf *out)
{
    const char *name = classification_name(event->event.data_classification);
    buf_append_string(out, name != NULL ? name : "");
}

static void append_review(const struct trail_stored_event *event, struct buf *out)
{
    buf_append_string(out, event->event.requires_review == TRAIL_REVIEW_YES ? "true" : "false");
}

static void append_level(const struct trail_stored_event *event, struct buf *out)
{
    const char *name = level_name(event->level);
    buf_append_string(out, name != NULL ? name : "");
}

static void append_flags(const struct trail_stored_event *event, struct buf *out)
{
    const char *gap = "";
#define APPEND_FLAG(symbol, number, name)   \
    if ((event->flags & (number)) != 0) {   \
        buf_printf(out, "%s%s", gap, name); \
        gap = " ";                          \
    }
    TRAIL_FLAG_MAP(APPEND_FLAG)
#undef APPEND_FLAG
    (void)gap;
}

static void append_weight(const struct trail_stored_event *event, struct buf *out)
{
    buf_printf(out, "%.15g", event->weight);
}

static void append_seq(const struct trail_stored_event *event, struct buf *out)
{
    buf_printf(out, "%" PRIu64, event->seq);
}

static void append_service(const struct trail_stored_event *event, struct buf *out)
{
    buf_append_text(out, event->service);
}

/* "2026-11-24 04:05:06": enough to find one's way by; --columns timestamp has the rest. */
static void append_time(const struct trail_stored_event *event, struct buf *out)
{
    char text[CLOCK_TEXT_SIZE];
    clock_format(event->event.timestamp_us, text);
    buf_printf(out, "%.10s %.8s", text, text + 11);
}

static void append_user(const struct trail_stored_event *event, struct buf *out)
{
    buf_append_text(out, event->event.user_id);
}

static void append_resource(const struct trail_stored_event *event, struct buf *out)
{
    struct trail_text which = event->event.resource_id.size > 0 ? event->event.resource_id : event->event.resource_name;
    buf_append_text(out, event->event.resource_type);
    if (which.size > 0)
        buf_append_string(out, "/");
    buf_append_text(out, which);
}

static const struct column columns[] = {
    { "id", append_id, 0 },
    { "timestamp", append_timestamp, 0 },
    { "service", append_service, 0 },
    { "seq", append_seq, 0 },
    { "operation", append_operation, 0 },
    { "outcome", append_outcome, 0 },
    { "success", append_success, 0 },
#define FIELD(member, limit, kind) { #member, NULL, EVENT_##member },
#include "event/fields.def"
#undef FIELD
    { "data_classification", append_classification, 0 },
    { "requires_review", append_review, 0 },
    { "level", append_level, 0 },
    { "flags", append_flags, 0 },
    { "weight", append_weight, 0 },
    { "time", append_time, 0 },
    { "user", append_user, 0 },
    { "resource", append_resource, 0 },
};

#define COLUMN_COUNT (sizeof columns / sizeof columns[0])
#define COLUMNS_HELP_WIDTH 100
#define COLUMN_COUNT_FOR_PEOPLE 3 /* The last ones, which repeat what others hold. */

_Static_assert(COLUMN_COUNT <= COLUMNS_MAX, "struct columns has room for every column once");

static const struct column *find(struct trail_text name)
{
    for (size_t i = 0; i < COLUMN_COUNT; i++) {
        if (text_equal_nocase(name, trail_str(columns[i].name)))
            return &columns[i];
    }
    return NULL;
}

bool columns_parse(struct columns *ret_columns, const char *names)
{
    struct columns    parsed = { .count = 0 };
    struct trail_text rest = trail_str(names);
    struct trail_text name;
    while (text_next_item(&rest, &name)) {
        const struct column *column = find(name);
        if (column == NULL || parsed.count == COLUMNS_MAX)
            return false;
        parsed.list[parsed.count++] = column;
    }
    if (parsed.count == 0)
        return false;
    *ret_columns = parsed;
    return true;
}

void columns_for_people(struct columns *ret_columns)
{
    (void)columns_parse(ret_columns, "time,user,operation,action,resource,outcome");
}

void columns_complete(struct columns *ret_columns)
{
    ret_columns->count = COLUMN_COUNT - COLUMN_COUNT_FOR_PEOPLE;
    for (size_t i = 0; i < ret_columns->count; i++)
        ret_columns->list[i] = &columns[i];
}

const char *column_name(const struct column *column)
{
    return column->name;
}

size_t column_usual_width(const struct column *column)
{
    static const struct {
        const char *name;
        size_t      width;
    } usual[] = { { "id", 36 },          { "timestamp", CLOCK_TEXT_SIZE - 1 },
                  { "time", 19 },        { "operation", 9 },
                  { "outcome", 7 },      { "user", 20 },
                  { "action", 20 },      { "resource", 41 },
                  { "user_agent", 24 },  { "correlation_id", 36 },
                  { "request_path", 24 } };
    for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++) {
        if (strcmp(usual[i].name, column->name) == 0)
            return usual[i].width;
    }
    return 12;
}

void column_append(const struct column *column, const struct trail_stored_event *event, struct buf *out)
{
    if (column->append != NULL)
        column->append(event, out);
    else
        buf_append_text(out, event_text(&event->event, column->field));
}

enum style column_style(const struct column *column, const struct trail_stored_event *event)
{
    /* The record of a gap is marked as a whole: it stands for events that are not there. */
    if ((event->flags & TRAIL_FLAG_CONTROL) != 0 && text_equal(event->event.action, TRAIL_TEXT(CONTROL_EVENTS_LOST)))
        return STYLE_GAP;
    if (column->append != append_outcome && column->append != append_success)
        return STYLE_PLAIN;
    switch (event->event.outcome) {
    case TRAIL_OUTCOME_FAILURE:
    case TRAIL_OUTCOME_DENIED: return STYLE_BAD;
    case TRAIL_OUTCOME_PARTIAL: return STYLE_WARNING;
    case TRAIL_OUTCOME_SUCCESS:
    case TRAIL_OUTCOME_UNKNOWN: return STYLE_PLAIN;
    }
    return STYLE_PLAIN;
}

const char columns_all[] = "id timestamp service seq operation outcome success "
#define FIELD(member, limit, kind) #member " "
#include "event/fields.def"
#undef FIELD
                           "data_classification requires_review level flags weight time user resource";

static void append_help(struct buf *out)
{
    struct trail_text rest = trail_str(columns_all);
    size_t            width = (size_t)(sizeof "columns:" - 1);
    buf_append_string(out, "columns:");
    while (rest.size > 0) {
        const char *blank = memchr(rest.data, ' ', rest.size);
        size_t      size = blank != NULL ? (size_t)(blank - rest.data) : rest.size;
        bool        breaks = width + 1 + size > COLUMNS_HELP_WIDTH;
        buf_append_string(out, breaks ? "\n" : " ");
        buf_append(out, rest.data, size);
        width = breaks ? size : width + 1 + size;
        rest.data += size + (blank != NULL);
        rest.size -= size + (blank != NULL);
    }
}

const char *columns_notes(char storage[COLUMNS_NOTES_SIZE], const char *behind)
{
    struct buf notes;
    buf_init(&notes, storage, COLUMNS_NOTES_SIZE);
    append_help(&notes);
    buf_append_string(&notes, behind);
    buf_append(&notes, "", 1);
    assert(notes.data == storage);
    return storage;
}
